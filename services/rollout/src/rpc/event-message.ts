import type { FleetEvent } from '@atoll/proto/atoll/v1/rollout';
import type { ChainedEvent } from '@atoll/release/audit-chain';

/** An event for the wire. */
export function eventMessage({ timeMs, ...event }: ChainedEvent): FleetEvent {
  return { ...event, timeUnixMs: BigInt(timeMs) };
}
