import type { VersionStats } from '../stats.js';
import type { Decision, DecisionKind } from './decisions.js';
import type { TrialVerdict } from './judge.js';
import type { Entry, Model, Owner, Resting } from './model-state.js';
import { labelOf } from './model-state.js';
import type { VersionState } from './state.js';
import type { VersionLabel } from './target.js';

/** How a version does. */
export interface VersionDescription {
  readonly version: bigint;
  readonly manifestSha256: string;
  /** Undefined on its way out. */
  readonly label: VersionLabel | undefined;
  /** `resting` = unloaded for want of memory; its next request loads it. */
  readonly state: VersionState | 'resting';
  /** Of the requests that name no version. */
  readonly trafficPercent: number;
  /** Of the stable version's requests, how many it is given copies of. */
  readonly shadowPercent: number;
  readonly backend: string;
  readonly device: string;
  /** In each slot. */
  readonly memoryBytes: number;
  /** Its median run when it was tried; 0 = not measured. */
  readonly probeMs: number;
  readonly stats: VersionStats;
  /** Answers of a shadow that were compared, their mean absolute error in real units, and copies that were let go. */
  readonly compared: number;
  readonly meanAbsError: number;
  readonly skipped: number;
  /** Undefined when it is not on trial. */
  readonly trial: { readonly elapsedMs: number; readonly verdict: TrialVerdict } | undefined;
  /** Requests on it. */
  readonly leases: number;
}

/** How a model does. */
export interface ModelDescription {
  readonly name: string;
  /** Who changes its versions. */
  readonly owner: Owner;
  /** It does not leave memory for others. */
  readonly pinned: boolean;
  /** Of the last request, milliseconds since the Unix epoch; 0 = none yet. */
  readonly lastUsedAtMs: number;
  /** The version that a revert brings back. */
  readonly previous: bigint | undefined;
  readonly versions: readonly VersionDescription[];
  /** Newest last. */
  readonly decisions: readonly Decision[];
  /** How many there were of each kind since the node began. */
  readonly decided: ReadonlyMap<DecisionKind, number>;
}

/** A copy of all that there is to say. */
export function describeModel(model: Model, nowMs: number, pinned: boolean): ModelDescription {
  const { name, owner, lastUsedAtMs, previous, decisions, decided, entries, resting } = model;
  const loaded = entries.map((entry) => describeEntry(model, entry, nowMs));
  return {
    name,
    owner,
    pinned,
    lastUsedAtMs,
    decisions,
    decided,
    previous: previous?.pkg.version,
    versions: resting === undefined ? loaded : [...loaded, describeResting(resting)],
  };
}

function describeEntry(model: Model, entry: Entry, nowMs: number): VersionDescription {
  const label = labelOf(model, entry);
  const trial = model.trials.find((one) => one.label === label);
  const { compared, sumAbsError, skipped } = entry.tally;
  const canaryPercent = model.canary?.percent ?? 0;
  return {
    ...described(entry),
    label,
    state: entry.state,
    trafficPercent: label === 'stable' ? 100 - canaryPercent : label === 'canary' ? canaryPercent : 0,
    shadowPercent: label === 'shadow' ? (model.shadow?.percent ?? 0) : 0,
    compared,
    skipped,
    meanAbsError: compared === 0 ? 0 : sumAbsError / compared,
    trial: trial && { elapsedMs: nowMs - trial.beganMs, verdict: trial.verdict },
    leases: entry.leases.held,
  };
}

function describeResting(resting: Resting): VersionDescription {
  return {
    ...described(resting),
    label: 'stable',
    state: 'resting',
    trafficPercent: 100,
    shadowPercent: 0,
    compared: 0,
    meanAbsError: 0,
    skipped: 0,
    trial: undefined,
    leases: 0,
  };
}

function described({ pkg, info, needs, stats }: Resting) {
  return {
    version: pkg.version,
    manifestSha256: pkg.manifestSha256,
    backend: info.backend,
    device: info.device,
    memoryBytes: needs.memoryBytes,
    probeMs: needs.medianMs,
    stats: stats.snapshot(),
  };
}
