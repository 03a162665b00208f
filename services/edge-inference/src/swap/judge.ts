/*
 * Judges a version on trial: a canary, a shadow, or one that has just taken over, from the numbers of the last span of time and
 * those of the version that it is held against. A crash is enough by itself; everything else needs a number of samples, so that
 * one bad answer among three condemns nobody, and slowness has to last longer than the span, so that one stall does not either.
 * It says pass once the time of the trial is over; it never acts.
 */
import type { VersionStats } from '../stats.js';

/** What a trial allows. */
export interface TrialPolicy {
  /** How long a version that took over is watched; a canary or shadow is watched as long as it is one. */
  readonly durationMs: number;
  /** The span that is judged. */
  readonly windowMs: number;
  /** Requests or comparisons in the span below which nothing is judged by rates. */
  readonly minSamples: number;
  /** Failed requests, as a share. */
  readonly maxErrorRate: number;
  /** p99 against that of the other version; 0 = not judged. */
  readonly maxLatencyRatio: number;
  /** Differing answers of a shadow, as a share; 1 = not judged. */
  readonly maxDisagreement: number;
}

/** The numbers at one moment. */
export interface TrialSample {
  /** Since the trial began. */
  readonly elapsedMs: number;
  /** Of the version on trial, since the trial began. */
  readonly total: VersionStats;
  /** The same, of the last span. */
  readonly recent: VersionStats;
  /** Of the version it is held against; undefined when there is none. */
  readonly reference: VersionStats | undefined;
  /** These are of the same span; else of one before, when the machine may have had less to do. */
  readonly sameSpan: boolean;
}

/** Why a version failed. */
export interface TrialReason {
  readonly code: 'CRASHED' | 'ERRORS' | 'TOO_SLOW' | 'DISAGREES';
  readonly message: string;
}

/** What the judge says. */
export type TrialVerdict =
  { readonly kind: 'wait' } | { readonly kind: 'pass' } | { readonly kind: 'fail'; readonly reason: TrialReason };

/** What it remembers: since when p99 has been out of bounds. */
export interface TrialMemory {
  readonly slowSinceMs: number | undefined;
}

/** A judge that has seen nothing. */
export const emptyTrial: TrialMemory = { slowSinceMs: undefined };

/** Less than this over the other version is never called slow, milliseconds: a ratio of tiny numbers says nothing. */
const slowLeastMs = 5;

/** Takes in a sample and judges. */
export function judgeTrial(
  before: TrialMemory,
  sample: TrialSample,
  policy: TrialPolicy,
): { readonly memory: TrialMemory; readonly verdict: TrialVerdict } {
  const { elapsedMs, total, recent } = sample;
  const slow = slowness(sample, policy);
  // A span without requests says nothing new.
  const slowSinceMs =
    slow !== undefined || recent.requests === 0
      ? (before.slowSinceMs ?? (slow === undefined ? undefined : elapsedMs))
      : undefined;
  const memory = { slowSinceMs };
  const fail = (code: TrialReason['code'], message: string) =>
    ({ memory, verdict: { kind: 'fail', reason: { code, message } } }) as const;

  if (total.crashes > 0) return fail('CRASHED', `its runtime process ended ${total.crashes} times`);
  for (const { requests, errors } of [recent, total]) {
    if (requests < policy.minSamples || errors / requests <= policy.maxErrorRate) continue;
    return fail('ERRORS', `${errors} of ${requests} requests failed, ${percent(policy.maxErrorRate)} may`);
  }
  for (const { compared, disagreed } of [recent, total]) {
    if (compared < policy.minSamples || disagreed / compared <= policy.maxDisagreement) continue;
    return fail('DISAGREES', `${disagreed} of ${compared} answers differ, ${percent(policy.maxDisagreement)} may`);
  }
  if (slow !== undefined && slowSinceMs !== undefined && elapsedMs - slowSinceMs >= policy.windowMs) {
    return fail('TOO_SLOW', slow);
  }
  if (elapsedMs < policy.durationMs || slow !== undefined) return { memory, verdict: { kind: 'wait' } };
  return { memory, verdict: { kind: 'pass' } };
}

function slowness({ total, recent, reference, sameSpan }: TrialSample, policy: TrialPolicy): string | undefined {
  if (policy.maxLatencyRatio === 0 || reference === undefined) return undefined;
  // Few in a span are enough: a version that is slow has few.
  if (total.requests < policy.minSamples || recent.requests === 0) return undefined;
  if (reference.requests < policy.minSamples) return undefined;
  const [is, usual] = [recent.p99Ms, reference.p99Ms];
  if (usual <= 0 || is <= Math.max(usual * policy.maxLatencyRatio, usual + slowLeastMs)) return undefined;
  // The tail follows what else the machine does; a version that is slow itself is slow at its median too.
  if (!sameSpan && recent.p50Ms <= reference.p50Ms * policy.maxLatencyRatio) return undefined;
  return `p99 of ${is.toFixed(1)} ms, ${(is / usual).toFixed(1)} times the ${usual.toFixed(1)} ms of the other version, ${policy.maxLatencyRatio} times may be`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
