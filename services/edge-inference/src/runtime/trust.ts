/** How a model fares on a device, so that one that fails there again and again is left to the CPU for longer and longer. */
export interface Trust {
  /** Failures since the last run that went well. */
  readonly failures: number;
  /** Until then it does not run there, on the clock of the failures. */
  readonly awayUntilMs: number;
}

const firstAwayMs = 500;
const longestAwayMs = 60_000;

/**
 * After a run failed at `nowMs`; undefined = it had not failed before. One that fails while the model is away had begun, or was
 * waiting, when the failure before it came, and counts with that one.
 */
export function afterFailure(before: Trust | undefined, nowMs: number): Trust {
  if (before !== undefined && nowMs < before.awayUntilMs) return before;
  const failures = (before?.failures ?? 0) + 1;
  const awayMs = Math.min(longestAwayMs, firstAwayMs * 2 ** (failures - 1));
  return { failures, awayUntilMs: nowMs + awayMs };
}
