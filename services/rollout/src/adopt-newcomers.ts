import type { Stores } from './apply.js';
import { matches } from './decide/admission.js';
import type { Rollout } from './decide/rollout.js';
import type { FleetMember } from './fleet/fleet.js';
import { type OpenRollout, planNewcomers } from './plan/newcomers.js';

/** Rollouts among which the newest complete one that means a node is looked for. */
const looksBack = 20;

/** Adds nodes that came later to the rollouts that take them in; they are assigned by the next look. */
export function adoptNewcomers(stores: Stores, members: readonly FleetMember[], nowMs: number): void {
  const { rollouts, desired, events, transaction } = stores;
  const atWork = rollouts.atWork().filter(({ standing }) => standing.phase !== 'Reverting');
  const fresh = new Set(members.map(({ node }) => node.id).filter((id) => desired.get(id) === undefined));
  const complete = fresh.size === 0 ? [] : newestComplete(stores);
  const byName = new Map([...atWork, ...complete].map((rollout) => [rollout.spec.name, rollout]));
  const nodes = members.map(({ node }) => node);
  const joins = planNewcomers(nodes, [...byName.values()].map(openRollout), (id) => fresh.has(id));
  if (joins.size === 0) return;
  transaction(() => {
    for (const [name, nodeIds] of joins) {
      const rollout = byName.get(name);
      if (rollout === undefined) continue;
      const wave = rollout.waves.length;
      rollouts.addMembers(rollout, wave, nodeIds);
      const message = `came later, into the last wave: ${nodeIds.slice(0, 10).join(', ')}${nodeIds.length > 10 ? ' and others' : ''}`;
      events.append({ timeMs: nowMs, actor: 'controller', kind: 'NodesJoined', rollout: name, nodeId: '', message });
    }
  });
}

/** Newest first, up to one that means every node. */
function newestComplete({ rollouts }: Stores): readonly Rollout[] {
  const complete: Rollout[] = [];
  let before: bigint | undefined;
  // One at a time: a rollout holds as many nodes as the fleet has.
  for (let looked = 0; looked < looksBack; looked++) {
    const [found] = rollouts.page(before, 1);
    if (found === undefined) break;
    before = found.number;
    if (found.rollout.standing.phase !== 'Complete') continue;
    complete.push(found.rollout);
    if (Object.keys(found.rollout.spec.selector).length === 0) break;
  }
  return complete;
}

function openRollout({ spec, standing, members }: Rollout): OpenRollout {
  const ids = new Set(members.map(({ nodeId }) => nodeId));
  return {
    name: spec.name,
    model: spec.target.model,
    complete: standing.phase === 'Complete',
    selects: (labels) => matches(spec.selector, labels),
    has: (nodeId) => ids.has(nodeId),
  };
}
