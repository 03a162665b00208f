import type { StatsRecorder, VersionStats } from '../stats.js';
import { statsBetween } from '../stats.js';
import type { TrialMemory, TrialPolicy, TrialVerdict } from './judge.js';
import { emptyTrial, judgeTrial } from './judge.js';
import type { VersionLabel } from './target.js';

/** The numbers of both versions at one moment. */
interface Sample {
  readonly atMs: number;
  readonly candidate: VersionStats;
  readonly reference: VersionStats | undefined;
}

/** What a version on trial is held against: one that serves beside it, or the last numbers of the one before. */
export type Reference = Pick<StatsRecorder, 'snapshot'> | { readonly last: VersionStats } | undefined;

/** A version on trial. */
export interface Trial {
  readonly version: bigint;
  readonly label: VersionLabel;
  readonly beganMs: number;
  /** Takes a look at the numbers; what it said last stays readable in `verdict`. */
  look(nowMs: number): TrialVerdict;
  readonly verdict: TrialVerdict;
}

/** What a trial begins with; times are monotonic milliseconds. */
export interface TrialStart {
  readonly version: bigint;
  readonly label: VersionLabel;
  readonly stats: Pick<StatsRecorder, 'snapshot'>;
  readonly reference: Reference;
  readonly policy: TrialPolicy;
  readonly nowMs: number;
}

/** Begins one: what the version did before does not count. */
export function beginTrial({ version, label, stats, reference, policy, nowMs }: TrialStart): Trial {
  const sampleAt = (atMs: number): Sample => ({
    atMs,
    candidate: stats.snapshot(),
    reference: reference !== undefined && 'snapshot' in reference ? reference.snapshot() : undefined,
  });
  const first = sampleAt(nowMs);
  let samples: readonly Sample[] = [first];
  let memory: TrialMemory = emptyTrial;
  let verdict: TrialVerdict = { kind: 'wait' };

  return {
    version,
    label,
    beganMs: nowMs,
    get verdict() {
      return verdict;
    },
    look(atMs) {
      const now = sampleAt(atMs);
      // Those of the span and one older, so that the span is never shorter than it should be.
      const oldestAt = samples.findLastIndex((sample) => atMs - sample.atMs >= policy.windowMs);
      samples = [...samples.slice(Math.max(0, oldestAt)), now];
      const oldest = samples[0] ?? first;
      const judged = judgeTrial(
        memory,
        {
          elapsedMs: atMs - nowMs,
          total: statsBetween(first.candidate, now.candidate),
          recent: statsBetween(oldest.candidate, now.candidate),
          reference: referenceOf(reference, oldest, now),
          sameSpan: reference !== undefined && 'snapshot' in reference,
        },
        policy,
      );
      memory = judged.memory;
      verdict = judged.verdict;
      return verdict;
    },
  };
}

function referenceOf(reference: Reference, oldest: Sample, now: Sample): VersionStats | undefined {
  if (reference === undefined) return undefined;
  if ('last' in reference) return reference.last;
  return oldest.reference && now.reference && statsBetween(oldest.reference, now.reference);
}
