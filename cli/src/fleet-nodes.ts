import { NodePhase } from '@atoll/proto/atoll/v1/release';
import type { FleetNode } from '@atoll/proto/atoll/v1/rollout';
import type { Fleet } from './fleet.js';

/** Every node of the fleet, page by page. */
export async function allNodes(fleet: Fleet, signal: AbortSignal): Promise<readonly FleetNode[]> {
  const found: FleetNode[] = [];
  for (let pageToken = ''; ;) {
    const page = await fleet.rollout.listNodes({ pageSize: 10_000, pageToken }, { signal });
    found.push(...page.nodes);
    if (page.nextPageToken === '') return found;
    pageToken = page.nextPageToken;
  }
}

/** The phase of a node in a word: "Steady", "RollingBack"; "Unknown" before its first report. */
export function nodeState(node: FleetNode): string {
  const name = Object.entries(NodePhase).find(([, value]) => value === node.status?.phase)?.[0];
  return name === undefined || node.status === undefined ? 'Unknown' : wordOf(name, 'NODE_PHASE_');
}

/** "ROLLOUT_PHASE_COMPLETE" as "Complete". */
export function wordOf(constant: string, prefix: string): string {
  return constant
    .slice(constant.startsWith(prefix) ? prefix.length : 0)
    .split('_')
    .map((part) => part.slice(0, 1) + part.slice(1).toLowerCase())
    .join('');
}
