/** Rollouts and fleets in one line each, for tables. */
import type { FleetView, NodePhase, NodeView, Target } from './decide/fleet-view.js';
import { type Member, type Rollout, type Spec, type Standing, untold } from './decide/rollout.js';

export const oldVersion: Target = { model: 'birds', version: 1n, manifestSha256: '1'.repeat(64) };
export const newVersion: Target = { model: 'birds', version: 2n, manifestSha256: '2'.repeat(64) };

export const sampleSpec: Spec = {
  name: 'birds-v2',
  target: newVersion,
  selector: {},
  waves: ['1', '100%'],
  soak: { durationMs: 1_000, minRequests: 1, maxErrorRate: 0.05, maxLatencyRatio: 3, prepareDeadlineMs: 5_000 },
  maxFailures: 0,
  maxFailureRate: 0.05,
  nodeDeadlineMs: 9_000,
  approve: false,
  maxInFlight: 0,
  maxPerSite: 0,
  siteLabel: 'site',
  maxOffline: 1,
  waveSoakMs: 0,
  minSamples: 20,
  confidence: 0.95,
  metrics: undefined,
  onFailure: 'revert',
};

/** The moment of all tables. */
export const nowMs = 100_000;

/** A node's part: not assigned, or assigned with generation 5 a second ago and heard since, unless changed. */
export function member(nodeId: string, wave: number, change: Partial<Member> | 'unassigned' = {}): Member {
  const unassigned: Member = { ...untold, nodeId, wave, previous: undefined, assignedMs: 0, attempt: 1 };
  if (change === 'unassigned') return unassigned;
  const assigned = { previous: oldVersion, generation: 5n, assignedMs: nowMs - 1_000, heardMs: nowMs - 1_000 };
  return { ...unassigned, ...assigned, ...change };
}

/** At work on the first wave. */
export const progressing: Standing = {
  phase: 'Progressing',
  wave: 1,
  reason: 'WaitingForWave',
  message: '',
  blockedOn: [],
  sinceMs: 1,
  promoted: 0,
  full: false,
};

/** A rollout at work on its first wave. */
export function rollout(
  members: readonly Member[],
  standing: Partial<Standing> = {},
  spec: Partial<Spec> = {},
): Rollout {
  const wave = Math.max(0, ...members.map((one) => one.wave));
  return {
    uid: 'uid',
    spec: { ...sampleSpec, ...spec },
    standing: { ...progressing, ...standing },
    members,
    waves: Array.from({ length: wave }, (_, index) => ({
      startedMs: 0,
      // The wave at work is settled, so that tables show what comes after.
      settledMs: index + 1 === (standing.wave ?? 1) ? nowMs : 0,
      passedMs: 0,
      evidence: '',
      control: {},
    })),
    createdMs: 1,
    updatedMs: 1,
    revision: 1,
  };
}

/** A node that reported; it serves the new version when it is steady, the old one otherwise, unless told. */
export function node(id: string, phase: NodePhase, observedGeneration = 5n, serving?: Target): NodeView {
  const serves = serving ?? (phase === 'STEADY' ? newVersion : oldVersion);
  const reasonCode = phase === 'FAILED' || phase === 'ROLLED_BACK' ? 'TOO_SLOW' : '';
  const said = { observedGeneration, phase, reasonCode, message: reasonCode && 'slow', serving: serves };
  const report = { ...said, backend: 'test', health: undefined, baseline: undefined };
  return { id, online: true, report, committed: oldVersion, knownGeneration: observedGeneration, labels: {} };
}

/** A fleet whose silence counts. */
export function fleet(nodes: readonly NodeView[], change: Partial<FleetView> = {}): FleetView {
  const byId = new Map(nodes.map((one) => [one.id, one]));
  return {
    nowMs,
    nodes: byId,
    connected: true,
    isGone: () => false,
    silenceCounts: true,
    silent: false,
    listeningSinceMs: 0,
    graceMs: 5_000,
    ...change,
  };
}
