/*
 * What to do next for one model: TF Serving's two rules. Availability-preserving: an unaspired version leaves only when an
 * aspired one is ready, or when nothing is aspired any more; otherwise the highest aspired version that is not loaded is loaded
 * beside it. The price is room for two versions. Resource-preserving is the reverse: what is not aspired leaves first, then the
 * aspired one is loaded; the price is a moment without a version, in which requests wait. Both decide from states alone and do
 * one thing at a time; they know no files, no clock and no processes.
 * Source: tensorflow/serving, core/availability_preserving_policy.h and core/resource_preserving_policy.h.
 */
import type { SwapAction, SwapPolicy, VersionSnapshot } from './state.js';

/** The next step from these versions of one model, in any order. */
export function nextAction(
  versions: readonly VersionSnapshot[],
  policy: SwapPolicy = 'availability-preserving',
): SwapAction {
  if (versions.some(({ state }) => state === 'loading' || state === 'draining')) return { kind: 'none' };
  const aspired = versions.filter((version) => version.aspired);
  const mayLeave =
    policy === 'resource-preserving' || aspired.length === 0 || aspired.some(({ state }) => state === 'ready');
  const leaving = lowest(versions.filter(({ aspired: wanted, state }) => !wanted && state === 'ready'));
  if (leaving !== undefined && mayLeave) return { kind: 'unload', version: leaving.version };
  const coming = highest(aspired.filter(({ state }) => state === 'wanted'));
  return coming === undefined ? { kind: 'none' } : { kind: 'load', version: coming.version };
}

function lowest(versions: readonly VersionSnapshot[]): VersionSnapshot | undefined {
  return versions.toSorted(byVersion)[0];
}

function highest(versions: readonly VersionSnapshot[]): VersionSnapshot | undefined {
  return versions.toSorted(byVersion).at(-1);
}

function byVersion(a: VersionSnapshot, b: VersionSnapshot): number {
  return a.version < b.version ? -1 : a.version > b.version ? 1 : 0;
}
