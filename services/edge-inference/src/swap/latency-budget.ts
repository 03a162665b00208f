/** Below this nothing is called slow, milliseconds: ratios of tiny numbers say nothing, least of all on a busy machine. */
const leastMs = 5;

/**
 * What the median run of a version that comes may take, milliseconds: `ratio` times that of the version in service, both as
 * their trials measured them, and never above what the node allows at all. Without a measure or a ratio (0) that alone counts.
 */
export function latencyBudgetMs(nodeMs: number, presentMs: number | undefined, ratio: number): number {
  if (ratio === 0 || presentMs === undefined || presentMs === 0) return nodeMs;
  return Math.min(nodeMs, Math.max(leastMs, presentMs * ratio));
}
