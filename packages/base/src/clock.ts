/** Wall and monotonic time as an argument, so that deciding code never reads a clock by itself. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds that only rise, for measuring spans. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
