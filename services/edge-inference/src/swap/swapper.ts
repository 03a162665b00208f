/*
 * The seam between this node's serving half and its agent: the agent decides what shall serve, the swapper makes it so.
 * It never fetches, verifies signatures or judges a soak; it never changes what serves unless the new version has answered well.
 */
import type { ModelPackage } from '../models/model-package.js';
import type { VersionStats } from '../stats.js';

/** Why a version was not put into service. */
export type ActivateFailure =
  /** The files, tensors or golden cases do not fit each other. */
  | 'BAD_PACKAGE'
  /** The runtime refused the model. */
  | 'LOAD_FAILED'
  /** The process that tried it ended or hung. */
  | 'CRASHED'
  /** A golden case was answered otherwise than its maker saw. */
  | 'GOLDEN_MISMATCH'
  /** A golden case took longer than the node allows, or many times as long as with the version in service. */
  | 'TOO_SLOW'
  /** It does not fit into the node's memory budget. */
  | 'NO_ROOM';

/** What became of an activation; on `failed` the version before never left service, or is back where both had no room. */
export type ActivateResult =
  | { readonly outcome: 'ok'; readonly backend: string }
  | { readonly outcome: 'failed'; readonly reason: ActivateFailure; readonly message: string };

/** The steps of an activation, in order. */
export type ActivateStage = 'probing' | 'swapping';

/** The version of a model that requests without a version go to. */
export interface ActiveVersion {
  readonly version: bigint;
  /** Empty for a model given as a file. */
  readonly manifestSha256: string;
  readonly backend: string;
}

/** Puts versions into service, one activation at a time a model; others wait their turn. */
export interface Swapper {
  /**
   * Tries the package in a process of its own, loads it beside the version in service, flips, and drains the old one.
   * Activating what is in service already is `ok` at once. Rejects only when `signal` aborts before the flip.
   */
  activate(pkg: ModelPackage, signal: AbortSignal, onStage?: (stage: ActivateStage) => void): Promise<ActivateResult>;
  /** Loads the version before beside the present one again, flips, and drains; FAILED_PRECONDITION when there is none. */
  revert(model: string): Promise<void>;
  /** Takes a model out of service and drains it; requests then get NOT_FOUND. Nothing to do when it does not serve. */
  retire(model: string): Promise<void>;
  active(model: string): ActiveVersion | undefined;
  /** Numbers since that version last went into service; they stay readable for the version before. Zeros for a version never served. */
  stats(model: string, version: bigint): VersionStats;
}
