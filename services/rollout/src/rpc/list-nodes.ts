import type { FleetNode, ListNodesRequest, ListNodesResponse } from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import type { Fleet, FleetMember } from '../fleet/fleet.js';
import { badToken, pageSizeOf } from './page.js';

/** Lists the nodes of the fleet by id. */
export function listNodes(stores: Stores, fleet: Fleet) {
  return async ({ pageSize, pageToken }: ListNodesRequest): Promise<ListNodesResponse> => {
    const size = pageSizeOf(pageSize, 1_000, 10_000);
    if (!/^[a-z0-9-]{0,63}$/.test(pageToken)) throw badToken(pageToken);
    const rest = fleet.members().filter(({ node }) => node.id > pageToken);
    const page = rest.slice(0, size);
    return {
      nodes: page.map((member) => nodeMessage(stores, fleet, member)),
      nextPageToken: rest.length > size ? (page.at(-1)?.node.id ?? '') : '',
    };
  };
}

function nodeMessage({ desired }: Stores, fleet: Fleet, member: FleetMember): FleetNode {
  const { node, report, lastSeenMs } = member;
  const told = desired.get(node.id);
  return {
    id: node.id,
    labels: { ...node.labels },
    online: fleet.isOnline(member),
    desiredGeneration: told?.generation ?? 0n,
    desiredVersion: told?.target.version ?? 0n,
    status: report,
    lastSeenUnixMs: BigInt(lastSeenMs),
  };
}
