/** From what a person asks to what is done: defaults filled in, everything out of bounds refused. */
import { AtollError } from '@atoll/base/error';
import type { AbortPolicy, MetricGate, Soak, Spec } from './rollout.js';

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
  readonly approve: boolean;
  readonly maxInFlight: number;
  readonly maxPerSite: number;
  readonly siteLabel: string;
  readonly maxOffline: number;
  readonly waveSoakMs: number;
  readonly minSamples: number;
  readonly confidence: number;
  readonly metrics: MetricGate | undefined;
  readonly onFailure: AbortPolicy;
}

const dayMs = 86_400_000;

/** The spec of a request; `manifestSha256` is that of the release in the registry, `taken` tells which names are in use. */
export function admit(request: SpecRequest, manifestSha256: string, taken: (name: string) => boolean): Spec {
  checkRequest(request);
  return filledIn({ ...request, name: nameOf(request, taken) }, manifestSha256);
}

/** The spec of a request that was admitted once, with the defaults of fields that it does not have. */
export function filledIn(request: SpecRequest, manifestSha256: string): Spec {
  const { name, model, version, waves, soak, metrics, ...rest } = request;
  return {
    ...rest,
    name,
    target: { model, version, manifestSha256 },
    waves: waves.length === 0 ? ['10%', '50%', '100%'] : waves,
    soak: soakOf(soak),
    maxFailureRate: or(rest.maxFailureRate, 0.05),
    nodeDeadlineMs: or(rest.nodeDeadlineMs, 60_000),
    siteLabel: rest.siteLabel === '' ? 'site' : rest.siteLabel,
    maxOffline: or(rest.maxOffline, 1),
    minSamples: or(rest.minSamples, 20),
    confidence: or(rest.confidence, 0.95),
    metrics: metrics === undefined ? undefined : metricsOf(metrics),
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
  if (request.siteLabel.length > 63) throw refuse('the label of the site is longer than 63 characters');
  if (!(request.maxOffline >= 0 && request.maxOffline <= 1))
    throw refuse('the share that may be offline is not 0 to 1');
  if (request.waveSoakMs > 7 * dayMs) throw refuse('the soak of a wave lasts seven days at most');
  if (request.minSamples > 1e6) throw refuse('a gate waits for 1,000,000 nodes at most');
  if (request.confidence !== 0 && !(request.confidence >= 0.5 && request.confidence <= 0.9999))
    throw refuse('the confidence is not 0.5 to 0.9999');
  checkMetrics(request.metrics, refuse);
  checkSoak(request.soak, refuse);
}

function checkMetrics(metrics: MetricGate | undefined, refuse: (fault: string) => AtollError): void {
  if (metrics === undefined) return;
  for (const ratio of [metrics.maxErrorRatio, metrics.maxP99Ratio]) {
    if (ratio !== 0 && !(ratio >= 1 && ratio <= 1e6)) throw refuse('a ratio of the metric gate is not 1 to 1,000,000');
  }
  if (!(metrics.maxScoreDrift >= 0 && metrics.maxScoreDrift <= 1e6))
    throw refuse('the score drift is not 0 to 1,000,000');
  if (metrics.patienceMs > 7 * dayMs) throw refuse('the metric gate has seven days of patience at most');
}

function checkSoak(soak: Soak | undefined, refuse: (fault: string) => AtollError): void {
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
  return {
    durationMs: or(soak?.durationMs, 30_000),
    minRequests: or(soak?.minRequests, 20),
    maxErrorRate: or(soak?.maxErrorRate, 0.05),
    maxLatencyRatio: or(soak?.maxLatencyRatio, 5),
    prepareDeadlineMs: or(soak?.prepareDeadlineMs, 60_000),
  };
}

function metricsOf(gate: MetricGate): MetricGate {
  return {
    minRequests: or(gate.minRequests, 100),
    maxErrorRatio: or(gate.maxErrorRatio, 2),
    maxP99Ratio: or(gate.maxP99Ratio, 2),
    maxCrashes: gate.maxCrashes,
    maxScoreDrift: or(gate.maxScoreDrift, 0.25),
    patienceMs: or(gate.patienceMs, 300_000),
  };
}

function or(value: number | undefined, fallback: number): number {
  return value === undefined || value === 0 ? fallback : value;
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
