/**
 * Judges a version after its swap. Latency is that of the last second, not of the lifetime: a version that turns slow shows
 * at once, and the slow first requests after a load are forgotten. One slow request is no verdict either: it leaves the
 * window after a second, and latency must be out of bounds for longer than that. The baseline is the version before, on this node.
 */
import { statsBetween, type VersionStats } from '../stats.js';
import type { Baseline, Reason, Soak } from './decide.js';

/** Numbers of the version on trial at one moment. */
export interface SoakSample {
  /** Milliseconds since it went into service. */
  readonly elapsedMs: number;
  readonly stats: VersionStats;
}

/** What the judge remembers between samples. */
export interface SoakState {
  /** Samples of the window and one older, oldest first. */
  readonly samples: readonly SoakSample[];
  /** Since when latency has been out of bounds, in elapsed milliseconds. */
  readonly slowSinceMs: number | undefined;
}

/** What the judge says. */
export type Verdict =
  { readonly kind: 'wait' } | { readonly kind: 'pass' } | { readonly kind: 'fail'; readonly reason: Reason };

/** The window that is judged, milliseconds. */
export const windowMs = 1_000;
/** How long latency must stay out of bounds, milliseconds; longer than the window. */
export const slowForMs = 1_500;
/** A latency that is less than this over its baseline is never called slow, milliseconds: a ratio of tiny numbers says nothing. */
const slowLeastMs = { p50Ms: 1, p99Ms: 5 } as const;

/** A judge that has seen nothing. */
export const emptySoak: SoakState = { samples: [], slowSinceMs: undefined };

/** Takes in a sample and judges; `baseline` are the numbers of the version before, undefined without one. */
export function judge(
  before: SoakState,
  sample: SoakSample,
  baseline: Baseline | undefined,
  policy: Soak,
): { readonly state: SoakState; readonly verdict: Verdict } {
  const samples = [...withinWindow(before.samples, sample.elapsedMs), sample];
  const oldest = samples[0];
  const recent = oldest === undefined || samples.length < 2 ? sample.stats : statsBetween(oldest.stats, sample.stats);
  const slow = slowness(sample.stats, recent, baseline, policy);
  // A window without requests says nothing new.
  const slowSinceMs =
    recent.requests === 0 || slow !== undefined ? (before.slowSinceMs ?? onset(slow, sample)) : undefined;
  const state = { samples, slowSinceMs };

  const { stats, elapsedMs } = sample;
  if (stats.crashes > 0) return fail(state, 'CRASHED', `its runtime ended ${stats.crashes} times in ${elapsedMs} ms`);
  if (stats.requests >= policy.minRequests) {
    const errors = worseErrorRate(stats, recent, policy);
    if (errors !== undefined) return fail(state, 'ERRORS', errors);
    if (slow !== undefined && slowSinceMs !== undefined && elapsedMs - slowSinceMs >= slowForMs) {
      return fail(state, 'TOO_SLOW', slow);
    }
  }
  // A version that is slow at the end of its time gets the moment that decides it.
  if (elapsedMs < policy.durationMs || slow !== undefined) return { state, verdict: { kind: 'wait' } };
  return { state, verdict: { kind: 'pass' } };
}

function withinWindow(samples: readonly SoakSample[], nowMs: number): readonly SoakSample[] {
  const first = samples.findLastIndex((sample) => nowMs - sample.elapsedMs >= windowMs);
  return first < 0 ? samples : samples.slice(first);
}

function onset(slow: string | undefined, sample: SoakSample): number | undefined {
  return slow === undefined ? undefined : sample.elapsedMs;
}

function slowness(
  total: VersionStats,
  recent: VersionStats,
  baseline: Baseline | undefined,
  policy: Soak,
): string | undefined {
  if (policy.maxLatencyRatio <= 0 || baseline === undefined || baseline.requests < policy.minRequests) return undefined;
  if (total.requests < policy.minRequests || recent.requests === 0) return undefined;
  for (const [name, key] of [
    ['p99', 'p99Ms'],
    ['median', 'p50Ms'],
  ] as const) {
    const usualMs = baseline[key];
    const nowMs = recent[key];
    if (usualMs <= 0 || nowMs <= Math.max(usualMs * policy.maxLatencyRatio, usualMs + slowLeastMs[key])) continue;
    const times = (nowMs / usualMs).toFixed(1);
    return `${name} of ${nowMs.toFixed(1)} ms, ${times} times the ${usualMs.toFixed(1)} ms of the version before`;
  }
  return undefined;
}

function worseErrorRate(total: VersionStats, recent: VersionStats, policy: Soak): string | undefined {
  for (const stats of [recent, total]) {
    if (stats.requests === 0 || stats.requests < policy.minRequests) continue;
    if (stats.errors / stats.requests > policy.maxErrorRate)
      return `${stats.errors} of ${stats.requests} requests failed`;
  }
  return undefined;
}

function fail(state: SoakState, code: string, message: string): { state: SoakState; verdict: Verdict } {
  return { state, verdict: { kind: 'fail', reason: { code, message } } };
}
