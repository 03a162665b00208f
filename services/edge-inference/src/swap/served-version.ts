import type { ModelPackage } from '../models/model-package.js';
import type { LoadedInfo } from '../runtime/messages.js';
import type { StatsRecorder } from '../stats.js';
import type { LeaseCounter } from './lease.js';
import type { VersionState } from './state.js';

/** What a version did as a shadow. */
export interface ShadowTally {
  /** Answers that were compared, and the sum of their mean absolute errors in real units. */
  compared: number;
  sumAbsError: number;
  /** Copies of requests that were let go because the node had enough to do. */
  skipped: number;
  /** How far it may be off when it is no classifier, in real units; 0 = any. */
  maxMeanAbsError: number;
}

/** A version of a model on this node. */
export interface ServedVersion {
  readonly pkg: ModelPackage;
  /** Names it in the runtime; new at every load. */
  readonly handle: string;
  readonly info: LoadedInfo;
  readonly stats: StatsRecorder;
  readonly leases: LeaseCounter;
  readonly state: VersionState;
  readonly tally: ShadowTally;
}

/** A version that the caller may use until it releases it. */
export interface LeasedVersion {
  readonly served: ServedVersion;
  readonly release: () => void;
  /** A version that shall run on the same inputs without answering, at low priority; released on its own. */
  readonly shadow?: LeasedVersion;
}
