/*
 * What to do next for one model so that it never stops answering: TF Serving's availability-preserving rule. An unaspired
 * version leaves only when an aspired one is ready, or when nothing is aspired any more; otherwise the highest aspired version
 * that is not loaded is loaded beside it. The price is room for two versions. It decides from states alone and does one thing
 * at a time; it knows no files, no clock and no processes.
 * Source: tensorflow/serving, core/availability_preserving_policy.h.
 */
import type { SwapAction, VersionSnapshot } from './state.js';

/** The next step from these versions of one model, in any order. */
export function nextAction(versions: readonly VersionSnapshot[]): SwapAction {
  if (versions.some(({ state }) => state === 'loading' || state === 'draining')) return { kind: 'none' };
  const aspired = versions.filter((version) => version.aspired);
  const aspiredIsReady = aspired.some(({ state }) => state === 'ready');
  const leaving = lowest(versions.filter(({ aspired: wanted, state }) => !wanted && state === 'ready'));
  if (leaving !== undefined && (aspiredIsReady || aspired.length === 0)) {
    return { kind: 'unload', version: leaving.version };
  }
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
