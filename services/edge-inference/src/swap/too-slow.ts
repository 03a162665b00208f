/** Below this nothing is called slow, milliseconds: ratios of tiny numbers say nothing. */
const leastBudgetMs = 5;

/**
 * How the fastest run of a version that comes is too slow beside that of the version in service, both as their trials measured
 * them, in words; undefined when it is within `ratio` times (0 = any) or nothing was measured. The fastest, because a trial on a
 * busy machine may be kept waiting at any other run.
 */
export function tooSlowBeside(presentMs: number | undefined, comingMs: number, ratio: number): string | undefined {
  if (ratio === 0 || presentMs === undefined || presentMs === 0) return undefined;
  if (comingMs <= Math.max(leastBudgetMs, presentMs * ratio)) return undefined;
  const times = (comingMs / presentMs).toFixed(1);
  return `a run takes ${comingMs.toFixed(1)} ms, ${times} times the ${presentMs.toFixed(1)} ms of the version in service, ${ratio} times may be`;
}
