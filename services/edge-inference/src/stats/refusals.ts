import type { Outcome } from './outcome.js';
import { outcomes } from './outcome.js';

/** Requests of one model that ended before a version took them, by outcome. */
export interface Refusals {
  refused(outcome: Outcome): void;
  /** Only outcomes that came up. */
  snapshot(): readonly { readonly outcome: Outcome; readonly count: number }[];
}

/** A counter at zero. */
export function createRefusals(): Refusals {
  const counts = new Map<Outcome, number>();
  return {
    refused: (outcome) => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
    snapshot: () =>
      outcomes.flatMap((outcome) => {
        const count = counts.get(outcome);
        return count === undefined ? [] : [{ outcome, count }];
      }),
  };
}
