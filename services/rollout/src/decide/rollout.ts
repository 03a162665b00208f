/** A rollout as deciders see it. */
import type { Target } from './fleet-view.js';

/** Where a rollout stands; Aborted, Reverted and Complete are final. */
export type Phase = 'Pending' | 'Progressing' | 'Paused' | 'Aborted' | 'Reverting' | 'Reverted' | 'Complete';

/** How a node judges the new version; the words of the contract's SoakPolicy. */
export interface Soak {
  readonly durationMs: number;
  readonly minRequests: number;
  readonly maxErrorRate: number;
  readonly maxLatencyRatio: number;
  readonly prepareDeadlineMs: number;
}

/** When a wave is worse in its numbers than what it is compared with; the words of the contract's MetricGate. */
export interface MetricGate {
  readonly minRequests: number;
  readonly maxErrorRatio: number;
  readonly maxP99Ratio: number;
  readonly maxCrashes: number;
  readonly maxScoreDrift: number;
  readonly patienceMs: number;
}

/** What becomes of nodes that have the version when a rollout is stopped. */
export type AbortPolicy = 'keep' | 'revert';

/** What was asked, defaults filled in. */
export interface Spec {
  readonly name: string;
  readonly target: Target;
  readonly selector: Readonly<Record<string, string>>;
  readonly waves: readonly string[];
  readonly soak: Soak;
  /** Failed nodes that stop the rollout; 0 = only the rate counts. */
  readonly maxFailures: number;
  /** Failed share of the judged nodes that stops it, 0..1. */
  readonly maxFailureRate: number;
  readonly nodeDeadlineMs: number;
  /** Each wave after the first waits for a person. */
  readonly approve: boolean;
  /** Nodes at it at a time; 0 = no limit. */
  readonly maxInFlight: number;
  /** Nodes of one site at it at a time; 0 = no limit. */
  readonly maxPerSite: number;
  /** The label that names a node's site. */
  readonly siteLabel: string;
  /** Share of the nodes assigned so far that may be out of reach when a wave passes, 0..1. */
  readonly maxOffline: number;
  /** Between the last verdict on a wave's nodes and its passing. */
  readonly waveSoakMs: number;
  /** Judged nodes from which on the failed share is taken as it is. */
  readonly minSamples: number;
  /** How sure it must be that the failed share is over the limit, 0.5..0.9999. */
  readonly confidence: number;
  /** undefined = numbers are kept as evidence and not judged. */
  readonly metrics: MetricGate | undefined;
  /** What becomes of nodes that have the version when a gate stops the rollout. */
  readonly onFailure: AbortPolicy;
}

/** Where the rollout stands, for people and for the next decision. */
export interface Standing {
  readonly phase: Phase;
  /** The wave at work, from 1; 0 = none yet. */
  readonly wave: number;
  readonly reason: string;
  readonly message: string;
  readonly blockedOn: readonly string[];
  /** Since when phase, wave and reason have been these. */
  readonly sinceMs: number;
  /** The highest wave that a person promoted; 0 = none. It waits for nothing but its nodes. */
  readonly promoted: number;
  /** A person promoted it to all waves at once: only failures stop it. */
  readonly full: boolean;
}

/** How the new version fared on a node, once it is known. TIMED_OUT may still become one of the others. */
export type Outcome = 'COMMITTED' | 'FAILED' | 'ROLLED_BACK' | 'TIMED_OUT';

/** A node's part in a rollout. */
export interface Member {
  readonly nodeId: string;
  /** From 1; frozen. */
  readonly wave: number;
  /** What it had before; set when it is assigned, undefined when it had nothing. */
  readonly previous: Target | undefined;
  /** The generation that names the new version; 0 = not assigned yet. */
  readonly generation: bigint;
  readonly assignedMs: number;
  /** When it was first known to be reachable since the last assignment; 0 = not yet. */
  readonly heardMs: number;
  readonly outcome: Outcome | undefined;
  readonly reasonCode: string;
  readonly message: string;
  /** The generation that names the version before; 0 = not sent back. */
  readonly revertGeneration: bigint;
  /** Known to be on the version before again. */
  readonly back: boolean;
  /** From 1; a retry raises it, so that nodes try once more what they have refused. */
  readonly attempt: number;
  /** Its failure counts no more: a person resumed the rollout after it. */
  readonly acknowledged: boolean;
}

/** Requests, errors and crashes of a node at one moment, since its version went into service. */
export type ControlSample = readonly [requests: number, errors: number, crashes: number];

/** Of a member that has been told nothing, but for when it was and what it had before that. */
export const untold = {
  generation: 0n,
  heardMs: 0,
  outcome: undefined,
  reasonCode: '',
  message: '',
  revertGeneration: 0n,
  back: false,
  acknowledged: false,
} as const;

/** How far a wave is; times are milliseconds since the Unix epoch, 0 = not yet. */
export interface Wave {
  readonly startedMs: number;
  /** When the last of its nodes was judged. */
  readonly settledMs: number;
  readonly passedMs: number;
  /** The numbers on which it passed, for people. */
  readonly evidence: string;
  /** What nodes of later waves had counted when it began, by node: they are what it is compared with. */
  readonly control: Readonly<Record<string, ControlSample>>;
}

/** A rollout with its plan. */
export interface Rollout {
  readonly uid: string;
  readonly spec: Spec;
  readonly standing: Standing;
  readonly members: readonly Member[];
  /** One a wave, in order. */
  readonly waves: readonly Wave[];
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Rises with each write. */
  readonly revision: number;
}

/** True when nothing more happens by itself. */
export function isFinal(phase: Phase): boolean {
  return phase === 'Aborted' || phase === 'Reverted' || phase === 'Complete';
}
