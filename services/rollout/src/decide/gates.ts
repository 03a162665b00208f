/** When failures stop a rollout: by their number, or when their share is over the limit beyond doubt. */
import type { Board } from './board.js';
import { count } from './standing.js';
import type { Verdict } from './classify.js';
import type { Spec } from './rollout.js';
import { wilsonLower } from './statistics.js';

type Limits = Pick<Spec, 'maxFailures' | 'maxFailureRate' | 'minSamples' | 'confidence'>;

/** What is known of failures that nobody acknowledged. */
export interface FailureNumbers {
  readonly failed: number;
  /** Nodes that committed or failed. */
  readonly judged: number;
  /** Failed share of the judged nodes, 0..1. */
  readonly rate: number;
  /** What the share is at least, at the confidence of the gate; nodes still at it count as if they would commit where few are judged. */
  readonly atLeast: number;
}

/** The numbers of the gate. */
export function failureNumbers({ minSamples, confidence }: Limits, board: Board): FailureNumbers {
  const failed = board.failureCount();
  const { PENDING: _pending, COMMITTED, ...others } = board.counts();
  const judged = failed + COMMITTED;
  const assigned = COMMITTED + Object.values(others).reduce((sum, number) => sum + number, 0);
  const counted = Math.max(judged, Math.min(assigned - board.acknowledgedCount(), minSamples));
  const rate = judged === 0 ? 0 : failed / judged;
  return { failed, judged, rate, atLeast: wilsonLower(failed, counted, confidence) };
}

/** Why failures stop the rollout, in words; undefined while it may go on. */
export function trippedGate(limits: Limits, board: Board): string | undefined {
  const { failed, judged, atLeast } = failureNumbers(limits, board);
  if (failed === 0) return undefined;
  const overRate = atLeast > limits.maxFailureRate;
  if (!overRate && !(limits.maxFailures > 0 && failed >= limits.maxFailures)) return undefined;
  const limit = overRate ? `more than ${percent(limits.maxFailureRate)}` : `the limit of ${limits.maxFailures}`;
  return `${failed} of ${judged} judged ${judged === 1 ? 'node' : 'nodes'} failed, ${limit}: ${nameFailures(board)}`;
}

/** Why the failures of a wave that is over are too many to go on and too few to be sure; undefined when they are within the limit. */
export function doubtfulFailures(limits: Limits, board: Board): string | undefined {
  const { failed, judged, rate, atLeast } = failureNumbers(limits, board);
  if (rate <= limits.maxFailureRate) return undefined;
  const seen = `${failed} of ${count(judged, 'judged node')} failed, ${percent(rate)}`;
  const doubt = `too few to be sure that it is more than the ${percent(limits.maxFailureRate)} allowed (at least ${percent(atLeast)})`;
  return `${seen}: ${doubt}: ${nameFailures(board)}`;
}

/** "5 %". */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}

function nameFailures(board: Board): string {
  const named: string[] = [];
  for (const failure of board.failures()) {
    if (named.length === 3) break;
    named.push(nameFailure(failure));
  }
  const more = board.failureCount() - named.length;
  return `${named.join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function nameFailure({ nodeId, reasonCode, message }: Verdict): string {
  const words = message === '' ? '' : ` (${message.slice(0, 200)})`;
  return `${nodeId} ${reasonCode === '' ? 'without a reason' : reasonCode}${words}`;
}
