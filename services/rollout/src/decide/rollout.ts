/** A rollout as deciders see it. */
import type { Target } from './fleet-view.js';

/** Where a rollout stands; Aborted, Reverted and Complete are final. */
export type Phase = 'Pending' | 'Progressing' | 'Aborted' | 'Reverting' | 'Reverted' | 'Complete';

/** How a node judges the new version; the words of the contract's SoakPolicy. */
export interface Soak {
  readonly durationMs: number;
  readonly minRequests: number;
  readonly maxErrorRate: number;
  readonly maxLatencyRatio: number;
  readonly prepareDeadlineMs: number;
}

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
}

/** Where the rollout stands, for people and for the next decision. */
export interface Standing {
  readonly phase: Phase;
  /** The wave at work, from 1; 0 = none yet. */
  readonly wave: number;
  readonly reason: string;
  readonly message: string;
  readonly blockedOn: readonly string[];
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
}

/** When a wave began and passed, milliseconds since the Unix epoch; 0 = not yet. */
export interface WaveTimes {
  readonly startedMs: number;
  readonly passedMs: number;
}

/** A rollout with its plan. */
export interface Rollout {
  readonly uid: string;
  readonly spec: Spec;
  readonly standing: Standing;
  readonly members: readonly Member[];
  /** One a wave, in order. */
  readonly waves: readonly WaveTimes[];
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Rises with each write. */
  readonly revision: number;
}

/** True when nothing more happens by itself. */
export function isFinal(phase: Phase): boolean {
  return phase === 'Aborted' || phase === 'Reverted' || phase === 'Complete';
}
