/** What a node does with a verified desired state, by generation alone: the order of arrival means nothing. */
import type { Sha256 } from '@atoll/base/digest';

/** A generation with the digest of the payload that it came with. */
export interface SeenState {
  readonly generation: bigint;
  readonly payloadSha256: Sha256;
}

/**
 * apply: newer than all before; same: the very state again; stale: older, ignored; equivocation: two different states
 * for one generation, which an honest director never signs: keep what is and raise an alarm.
 */
export type OrderVerdict = 'apply' | 'same' | 'stale' | 'equivocation';

/** Judges an incoming state against the highest one that the node has accepted and made durable. */
export function decideDesired(lastSeen: SeenState | undefined, incoming: SeenState): OrderVerdict {
  if (lastSeen === undefined || incoming.generation > lastSeen.generation) return 'apply';
  if (incoming.generation < lastSeen.generation) return 'stale';
  return incoming.payloadSha256 === lastSeen.payloadSha256 ? 'same' : 'equivocation';
}
