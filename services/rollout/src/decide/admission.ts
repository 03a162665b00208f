/** From what a person asks to what is done: defaults filled in, everything out of bounds refused. */
import { AtollError } from '@atoll/base/error';
import type { Soak, Spec } from './rollout.js';

/** What is asked; zero and empty mean the default. */
export interface SpecRequest {
  readonly name: string;
  readonly model: string;
  readonly version: bigint;
  readonly selector: Readonly<Record<string, string>>;
  readonly waves: readonly string[];
  readonly soak: Soak | undefined;
  readonly maxFailures: number;
  readonly maxFailureRate: number;
  readonly nodeDeadlineMs: number;
}

const dayMs = 86_400_000;

/** The spec of a request; `manifestSha256` is that of the release in the registry, `taken` tells which names are in use. */
export function admit(request: SpecRequest, manifestSha256: string, taken: (name: string) => boolean): Spec {
  checkRequest(request);
  const { model, version, selector, maxFailures } = request;
  return {
    name: nameOf(request, taken),
    target: { model, version, manifestSha256 },
    selector,
    waves: request.waves.length === 0 ? ['10%', '50%', '100%'] : request.waves,
    soak: soakOf(request.soak),
    maxFailures,
    maxFailureRate: request.maxFailureRate === 0 ? 0.05 : request.maxFailureRate,
    nodeDeadlineMs: request.nodeDeadlineMs === 0 ? 60_000 : request.nodeDeadlineMs,
  };
}

/** Refuses a request that is malformed by itself, before anybody else is asked about it. */
export function checkRequest(request: SpecRequest): void {
  const refuse = (fault: string): AtollError => new AtollError('INVALID_ARGUMENT', `cannot start a rollout: ${fault}`);
  if (!isName(request.model)) throw refuse('the model name is not 1 to 63 of a-z, 0-9 and -');
  if (request.name !== '' && !isName(request.name)) throw refuse('the rollout name is not 1 to 63 of a-z, 0-9 and -');
  if (request.version < 1n) throw refuse('versions begin at 1');
  if (request.waves.length > 100) throw refuse(`${request.waves.length} waves are too many, 100 are allowed`);
  if (!(request.maxFailureRate >= 0 && request.maxFailureRate <= 1)) throw refuse('the failure rate is not 0 to 1');
  if (request.nodeDeadlineMs > dayMs) throw refuse('a node gets a day at most');
  const { soak } = request;
  if (soak === undefined) return;
  if (soak.durationMs > 7 * dayMs) throw refuse('a soak lasts seven days at most');
  if (soak.minRequests > 1e9) throw refuse('a soak waits for 1,000,000,000 requests at most');
  if (soak.prepareDeadlineMs > dayMs) throw refuse('a node gets a day at most to prepare');
  if (!(soak.maxErrorRate >= 0 && soak.maxErrorRate <= 1)) throw refuse('the error rate of the soak is not 0 to 1');
  if (!(soak.maxLatencyRatio >= 0 && soak.maxLatencyRatio <= 1e6))
    throw refuse('the latency ratio is not 0 to 1,000,000');
}

/** True when a node with `labels` is meant by `selector`. */
export function matches(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** How a node takes up its version before again: it was good there already, so it is not judged a second time. */
export function revertSoak({ prepareDeadlineMs }: Soak): Soak {
  return { durationMs: 0, minRequests: 0, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs };
}

function soakOf(soak: Soak | undefined): Soak {
  const or = (value: number | undefined, fallback: number): number =>
    value === undefined || value === 0 ? fallback : value;
  return {
    durationMs: or(soak?.durationMs, 30_000),
    minRequests: or(soak?.minRequests, 20),
    maxErrorRate: or(soak?.maxErrorRate, 0.05),
    maxLatencyRatio: or(soak?.maxLatencyRatio, 5),
    prepareDeadlineMs: or(soak?.prepareDeadlineMs, 60_000),
  };
}

function nameOf({ name, model, version }: SpecRequest, taken: (name: string) => boolean): string {
  if (name !== '') {
    if (!taken(name)) return name;
    throw new AtollError('ALREADY_EXISTS', `cannot start rollout ${name}: there is one of this name already`);
  }
  const base = `${model.slice(0, 40)}-v${version}`;
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? base : `${base}-${number}`;
    if (!taken(candidate)) return candidate;
  }
}

function isName(text: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(text);
}
