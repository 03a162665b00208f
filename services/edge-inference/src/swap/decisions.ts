import type { VersionLabel } from './target.js';

/** What was decided about a model. */
export type DecisionKind =
  /** The version became the stable one. */
  | 'stable'
  /** It began as a canary or shadow. */
  | 'begun'
  /** Its share was changed. */
  | 'share'
  /** A canary or shadow was taken away. */
  | 'removed'
  /** A version that had taken over failed its trial; the one before came back. */
  | 'returned'
  /** It passed its trial. */
  | 'passed'
  /** It was not put into service. */
  | 'refused'
  /** It was unloaded for want of memory. */
  | 'evicted'
  /** It was loaded again for a request. */
  | 'reloaded'
  /** The model was taken out of service. */
  | 'retired';

/** A decision, its reason, and when; newest last in every list. */
export interface Decision {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly kind: DecisionKind;
  readonly version: bigint;
  readonly label: VersionLabel | undefined;
  /** One line. */
  readonly reason: string;
}

/** As many are kept a model. */
const kept = 32;

/** The list with one more, and without the oldest when it is long. */
export function withDecision(decisions: readonly Decision[], decision: Decision): Decision[] {
  return [...decisions, decision].slice(-kept);
}
