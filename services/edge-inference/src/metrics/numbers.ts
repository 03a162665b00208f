import type { Outcome } from '../stats/outcome.js';
import type { Series } from '../stats/series.js';
import type { VersionStats } from '../stats.js';

/** A loaded version. */
export interface VersionNumbers {
  readonly model: string;
  readonly version: bigint;
  /** What was chosen for it; a request may have run elsewhere. */
  readonly backend: string;
  readonly device: string;
  /** stable, canary or shadow; empty on its way out. */
  readonly label: string;
  readonly inService: boolean;
  /** Of the requests that name no version, 0 to 1. */
  readonly trafficRatio: number;
  /** In each slot. */
  readonly memoryBytes: number;
  readonly stats: VersionStats;
  readonly series: readonly Series[];
}

/** A model's door. */
export interface DoorNumbers {
  readonly model: string;
  readonly waiting: number;
  readonly limit: number;
  readonly refused: readonly { readonly outcome: Outcome; readonly count: number }[];
}

/** Changes of one kind to a model, since the node began. */
export interface ChangeNumbers {
  readonly model: string;
  readonly change: string;
  readonly count: number;
}

/** An accelerator. */
export interface DeviceNumbers {
  readonly device: string;
  readonly state: string;
  readonly losses: number;
  readonly fallbacks: number;
}

/** All that metrics are made from, at one moment. */
export interface NodeNumbers {
  /** Of Atoll. */
  readonly release: string;
  /** Of Node. */
  readonly nodeVersion: string;
  readonly versions: readonly VersionNumbers[];
  readonly doors: readonly DoorNumbers[];
  readonly changes: readonly ChangeNumbers[];
  readonly devices: readonly DeviceNumbers[];
  /** Unasked ends of runtime processes, each of which was replaced. */
  readonly restarts: number;
  /** Resident memory of each runtime process, in the order of the slots; empty where the system does not tell. */
  readonly residentBytes: readonly number[];
  /** What loaded models may take; 0 = no bound. */
  readonly memoryBudgetBytes: number;
  readonly memoryUsedBytes: number;
}
