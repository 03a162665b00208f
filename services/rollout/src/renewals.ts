/** Signs anew what nodes shall run before it expires, so that a node that comes back after months still has its state. */
import type { Stores } from './apply.js';
import type { FleetView } from './decide/fleet-view.js';
import type { DesiredRecord } from './state/desired-store.js';

/** Time that a state has left when it is signed anew: longer than most nodes are away. */
const leftMs = 30 * 86_400_000;
/** States that are signed anew at a time. */
const atOnce = 1_000;

/** Renews some of those that expire soon; gives the nodes whose desired state is new. */
export function renewDesired(stores: Stores, fleet: FleetView): readonly string[] {
  const due = stores.desired.expiring(fleet.nowMs + leftMs, atOnce);
  if (due.length === 0) return [];
  return stores.transaction(() => {
    for (const record of due) renew(stores, record, fleet);
    return due.map(({ nodeId }) => nodeId);
  });
}

function renew({ desired, director, rollouts, events }: Stores, record: DesiredRecord, fleet: FleetView): void {
  const { nodeId, rollout: name, generation: before } = record;
  const known = fleet.nodes.get(nodeId)?.knownGeneration ?? 0n;
  const generation = (before > known ? before : known) + 1n;
  desired.put({ ...record, generation, ...director.renew(record.envelope, generation, fleet.nowMs) });
  rollouts.renumber(name, nodeId, before, generation);
  const message = `generation ${generation} in the place of ${before}, which would have expired`;
  events.append({ timeMs: fleet.nowMs, actor: 'controller', kind: 'DesiredRenewed', rollout: name, nodeId, message });
}
