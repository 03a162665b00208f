/**
 * Nodes that come later. They never get into a wave that is at work before the last: they go with the last wave, behind all
 * others, and until then they run the version of the newest rollout that was completed.
 */

/** A node that may have come later. */
export interface Newcomer {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A rollout as far as newcomers are concerned. */
export interface OpenRollout {
  readonly name: string;
  readonly model: string;
  readonly complete: boolean;
  readonly selects: (labels: Readonly<Record<string, string>>) => boolean;
  readonly has: (nodeId: string) => boolean;
}

/**
 * Which nodes join which rollouts: of those at work, all of one model that mean the node and do not have it; and, for a node
 * that has been told nothing yet, of which `isFresh` knows, the newest complete one that means it. `rollouts` has those at
 * work and those complete, the complete ones newest first.
 */
export function planNewcomers(
  nodes: readonly Newcomer[],
  rollouts: readonly OpenRollout[],
  isFresh: (nodeId: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const atWork = rollouts.filter(({ complete }) => !complete);
  const complete = rollouts.filter((rollout) => rollout.complete);
  const joins = new Map<string, string[]>();
  const join = ({ name, has }: OpenRollout, nodeId: string): void => {
    if (!has(nodeId)) listOf(joins, name).push(nodeId);
  };
  for (const { id, labels } of nodes) {
    const meant = atWork.filter(({ has, selects }) => has(id) || selects(labels));
    // A node runs one model: of two, the one that has the node already, or else the first, keeps it.
    const model = (meant.find(({ has }) => has(id)) ?? meant[0])?.model;
    for (const rollout of meant) if (rollout.model === model) join(rollout, id);
    const stable = isFresh(id) ? complete.find(({ selects }) => selects(labels)) : undefined;
    if (stable !== undefined) join(stable, id);
  }
  return joins;
}

function listOf(lists: Map<string, string[]>, name: string): string[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}
