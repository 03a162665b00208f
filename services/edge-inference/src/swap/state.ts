/**
 * Where a version of a model stands on this node, in the order in which it passes:
 * wanted -> loading -> ready -> draining -> gone. A version that cannot be loaded goes from loading to gone.
 */
export type VersionState = 'wanted' | 'loading' | 'ready' | 'draining' | 'gone';

/** What the policy sees of a version. */
export interface VersionSnapshot {
  readonly version: bigint;
  readonly state: VersionState;
  /** Whether it shall serve. */
  readonly aspired: boolean;
}

/** What is to be done next; `none` when all is as aspired or something is under way that has to end first. */
export type SwapAction =
  | { readonly kind: 'load'; readonly version: bigint }
  | { readonly kind: 'unload'; readonly version: bigint }
  | { readonly kind: 'none' };

/** What a swap preserves where both cannot be had: answers at every moment, or memory for no more than one version. */
export type SwapPolicy = 'availability-preserving' | 'resource-preserving';
