/**
 * A node's memory as JSON: versions and generations as decimal strings, absent parts left out; read strictly. What a node of
 * an earlier release did not write yet has the value that it had without it.
 */
import { AtollError } from '@atoll/base/error';
import type { AgentState, Assignment, Baseline, Denied, ModelRef, Phase, Reason } from './decide.js';
import { maxDenied } from './decide.js';

const phases: readonly Phase[] = [
  'STEADY',
  'ASSIGNED',
  'DOWNLOADING',
  'SELFTEST',
  'SWAPPING',
  'SOAKING',
  'FAILED',
  'ROLLING_BACK',
  'ROLLED_BACK',
];

/** The text of a state. */
export function stateToText(state: AgentState): string {
  const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
  return `${JSON.stringify({ format: 1, ...state }, plain, 1)}\n`;
}

/** The state of a text; INVALID_ARGUMENT names the first part that is not as it was written. */
export function stateFromText(text: string): AgentState {
  const root = record(JSON.parse(text), 'the journal');
  if (root['format'] !== 1) throw wrong('format');
  const phase = phases.find((known) => known === root['phase']);
  if (phase === undefined) throw wrong('phase');
  const floors = Object.entries(record(root['floors'], 'floors')).map(([model, floor]) => [
    model,
    whole(floor, 'floors'),
  ]);
  return {
    phase,
    active: optional(root['active'], ref),
    previous: optional(root['previous'], ref),
    candidate: optional(root['candidate'], ref),
    assignment: optional(root['assignment'], assignment),
    lastGeneration: whole(root['lastGeneration'], 'lastGeneration'),
    lastPayloadSha256: word(root['lastPayloadSha256'], 'lastPayloadSha256'),
    lastSignedMs: amount(root['lastSignedMs'], 'lastSignedMs'),
    floors: Object.fromEntries(floors) as Record<string, bigint>,
    bootCount: amount(root['bootCount'], 'bootCount'),
    reason: optional(root['reason'], reason),
    denied: optional(root['denied'], deniedList) ?? [],
    baseline: optional(root['baseline'], baseline),
  };
}

function ref(value: unknown): ModelRef {
  const fields = record(value, 'a release');
  return {
    model: word(fields['model'], 'model'),
    version: whole(fields['version'], 'version'),
    manifestSha256: word(fields['manifestSha256'], 'manifestSha256'),
  };
}

function assignment(value: unknown): Assignment {
  const fields = record(value, 'assignment');
  const soak = record(fields['soak'], 'soak');
  return {
    generation: whole(fields['generation'], 'generation'),
    rollout: word(fields['rollout'], 'rollout'),
    target: ref(fields['target']),
    downgradeOk: fields['downgradeOk'] === true,
    attempt: amount(fields['attempt'] ?? 0, 'attempt'),
    notBeforeMs: amount(fields['notBeforeMs'] ?? 0, 'notBeforeMs'),
    expiresMs: amount(fields['expiresMs'] ?? 0, 'expiresMs'),
    soak: {
      durationMs: amount(soak['durationMs'], 'durationMs'),
      minRequests: amount(soak['minRequests'], 'minRequests'),
      maxErrorRate: amount(soak['maxErrorRate'], 'maxErrorRate'),
      maxLatencyRatio: amount(soak['maxLatencyRatio'], 'maxLatencyRatio'),
      prepareDeadlineMs: amount(soak['prepareDeadlineMs'], 'prepareDeadlineMs'),
    },
  };
}

function reason(value: unknown): Reason {
  const fields = record(value, 'reason');
  return { code: word(fields['code'], 'code'), message: word(fields['message'], 'message') };
}

function deniedList(value: unknown): readonly Denied[] {
  if (!Array.isArray(value) || value.length > maxDenied) throw wrong('denied');
  return value.map((entry: unknown) => {
    const fields = record(entry, 'denied');
    return {
      manifestSha256: word(fields['manifestSha256'], 'manifestSha256'),
      attempt: amount(fields['attempt'], 'attempt'),
      code: word(fields['code'], 'code'),
    };
  });
}

function baseline(value: unknown): Baseline {
  const fields = record(value, 'baseline');
  return {
    requests: amount(fields['requests'], 'requests'),
    errors: amount(fields['errors'], 'errors'),
    crashes: amount(fields['crashes'], 'crashes'),
    p50Ms: amount(fields['p50Ms'], 'p50Ms'),
    p99Ms: amount(fields['p99Ms'], 'p99Ms'),
  };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what);
  return value as Record<string, unknown>;
}

function word(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what);
  return value;
}

function amount(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(what);
  return value;
}

function whole(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw wrong(what);
  return BigInt(value);
}

function wrong(what: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `${what} is not what this node wrote`);
}
