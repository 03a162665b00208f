/** What deciders know of the fleet: plain data, taken at one moment. */

/** A release that a node runs or shall run. */
export interface Target {
  readonly model: string;
  readonly version: bigint;
  readonly manifestSha256: string;
}

/** What a node says that it is doing. */
export type NodePhase =
  | 'STEADY'
  | 'ASSIGNED'
  | 'DOWNLOADING'
  | 'SELFTEST'
  | 'SWAPPING'
  | 'SOAKING'
  | 'FAILED'
  | 'ROLLING_BACK'
  | 'ROLLED_BACK'
  | 'UNKNOWN';

/** Numbers of one version on one node. */
export interface Health {
  readonly requests: number;
  readonly errors: number;
  readonly p99Ms: number;
  readonly crashes: number;
  /** Population stability index of its scores; undefined where it is not reported. */
  readonly scoreDrift: number | undefined;
}

/** The newest verified report of a node. */
export interface NodeReport {
  readonly observedGeneration: bigint;
  readonly phase: NodePhase;
  readonly reasonCode: string;
  readonly message: string;
  /** What serves; undefined when nothing does. */
  readonly serving: Target | undefined;
  /** The runtime that serves, for example "native-litert"; empty when nothing does. */
  readonly backend: string;
  /** What serves, since it went into service. */
  readonly health: Health | undefined;
  /** The version before, up to the swap; undefined when there was none or the node does not tell. */
  readonly baseline: Health | undefined;
}

/** A node of the fleet. */
export interface NodeView {
  readonly id: string;
  /** Heard of lately. */
  readonly online: boolean;
  readonly report: NodeReport | undefined;
  /** The release that it committed last, as far as the controller has heard. */
  readonly committed: Target | undefined;
  /** The highest generation that is known to have gone out to it, whoever sent it; 0 = none. */
  readonly knownGeneration: bigint;
  readonly labels: Readonly<Record<string, string>>;
}

/** The fleet at one moment. */
export interface FleetView {
  readonly nowMs: number;
  readonly nodes: Pick<ReadonlyMap<string, NodeView>, 'get'>;
  /** True for a node that is no longer of the fleet: nobody waits for it, and it is told nothing more. */
  readonly isGone: (nodeId: string) => boolean;
  /** False while the broker is away: then nothing is assigned. */
  readonly connected: boolean;
  /**
   * True when silence means something: the broker has been there long enough for every node to have spoken, and some did.
   * Silence of the whole fleet is a fault of the network, not of the version on trial.
   */
  readonly silenceCounts: boolean;
  /** True when nobody has been heard of for so long that the fault is the network's: then nothing is assigned either. */
  readonly silent: boolean;
  /** Since when a node could have been heard: no deadline runs from before, or an outage would time out all at once. */
  readonly listeningSinceMs: number;
  /** How long a node may be unheard of and still be waited for, milliseconds. */
  readonly graceMs: number;
}
