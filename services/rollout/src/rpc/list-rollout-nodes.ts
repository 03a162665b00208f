import {
  type ListRolloutNodesRequest,
  type ListRolloutNodesResponse,
  type RolloutNode,
  RolloutNodeState,
} from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import { load } from '../commands.js';
import { classifyMember, type NodeState, type Verdict } from '../decide/classify.js';
import type { Member } from '../decide/rollout.js';
import type { Fleet } from '../fleet/fleet.js';
import { badToken, pageSizeOf } from './page.js';

/** Lists the nodes of a rollout in the order of its plan; a token is the position of the first node that was not looked at. */
export function listRolloutNodes(stores: Stores, fleet: Fleet) {
  return async (request: ListRolloutNodesRequest): Promise<ListRolloutNodesResponse> => {
    const size = pageSizeOf(request.pageSize, 1_000, 10_000);
    if (!/^\d{0,9}$/.test(request.pageToken)) throw badToken(request.pageToken);
    const { members, spec } = load(stores, request.name);
    const view = fleet.view();
    const wanted = new Set(request.states);
    wanted.delete(RolloutNodeState.ROLLOUT_NODE_STATE_UNSPECIFIED);
    const nodes: RolloutNode[] = [];
    for (let position = Number(request.pageToken); position < members.length; position++) {
      const member = members[position];
      if (member === undefined || (request.wave > 0 && member.wave !== request.wave)) continue;
      const verdict = classifyMember(member, spec, view);
      if (wanted.size > 0 && !wanted.has(states[verdict.state])) continue;
      if (nodes.length === size) return { nodes, nextPageToken: String(position) };
      nodes.push(nodeMessage(member, verdict));
    }
    return { nodes, nextPageToken: '' };
  };
}

const states = {
  PENDING: RolloutNodeState.ROLLOUT_NODE_STATE_PENDING,
  IN_FLIGHT: RolloutNodeState.ROLLOUT_NODE_STATE_IN_FLIGHT,
  COMMITTED: RolloutNodeState.ROLLOUT_NODE_STATE_COMMITTED,
  FAILED: RolloutNodeState.ROLLOUT_NODE_STATE_FAILED,
  ROLLED_BACK: RolloutNodeState.ROLLOUT_NODE_STATE_ROLLED_BACK,
  TIMED_OUT: RolloutNodeState.ROLLOUT_NODE_STATE_TIMED_OUT,
  OFFLINE: RolloutNodeState.ROLLOUT_NODE_STATE_OFFLINE,
} as const satisfies Record<NodeState, RolloutNodeState>;

function nodeMessage(member: Member, { state, reasonCode, message }: Verdict): RolloutNode {
  const { nodeId, wave, generation, attempt, previous, assignedMs, acknowledged } = member;
  return {
    id: nodeId,
    wave,
    state: states[state],
    reasonCode,
    message,
    generation,
    attempt,
    previousVersion: previous?.version ?? 0n,
    assignedUnixMs: generation === 0n ? 0n : BigInt(assignedMs),
    acknowledged,
  };
}
