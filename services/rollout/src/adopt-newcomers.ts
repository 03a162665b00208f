import type { Stores } from './apply.js';
import { matches } from './decide/admission.js';
import type { Rollout } from './decide/rollout.js';
import type { FleetMember } from './fleet/fleet.js';
import { type OpenRollout, planNewcomers } from './plan/newcomers.js';

/** Rollouts that are looked through for the newest complete one of each model. */
const looksBack = 100;

/** Adds nodes that came later to the rollouts that take them in; they are assigned by the next look. */
export function adoptNewcomers(stores: Stores, members: readonly FleetMember[], nowMs: number): void {
  const { rollouts, desired, events, transaction } = stores;
  const atWork = rollouts.atWork().filter(({ standing }) => standing.phase !== 'Reverting');
  const complete = rollouts
    .page(undefined, looksBack)
    .map(({ rollout }) => rollout)
    .filter(({ standing }) => standing.phase === 'Complete');
  const byName = new Map([...atWork, ...complete].map((rollout) => [rollout.spec.name, rollout]));
  const nodes = members.map(({ node }) => node);
  const joins = planNewcomers(nodes, [...byName.values()].map(openRollout), (id) => desired.get(id) === undefined);
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
