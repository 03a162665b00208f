/** How a rollout is stopped, and how its nodes get back to what they had. Nothing holds up the way back. */
import type { Board } from './board.js';
import type { Verdict } from './classify.js';
import type { Decision } from './decision.js';
import type { FleetView } from './fleet-view.js';
import type { Rollout } from './rollout.js';
import { count, firstOf, maxBlockedOn, standingAfter } from './standing.js';

/** Stops a rollout as its spec says. */
export function stop(rollout: Rollout, board: Board, fleet: FleetView, reason: string, message: string): Decision {
  return rollout.spec.onFailure === 'keep'
    ? keepStopped(rollout, board, fleet, reason, `${message}; the nodes that have the version keep it`)
    : beginRevert(rollout, board, fleet, reason, message);
}

/**
 * Stops a rollout and sends back every node that has the new version or may have it. A node that is back by itself is sent a
 * generation too, so that what it shall run is what it runs. Nodes that had nothing before keep what they have.
 */
export function beginRevert(
  rollout: Rollout,
  board: Board,
  { nowMs }: FleetView,
  reason: string,
  message: string,
): Decision {
  const { standing } = rollout;
  const { wave } = standing;
  const nodeIds = fastestFirst([...board.way('unsent').values()]);
  const sent = board.way('under-way');
  if (nodeIds.length + sent.size === 0) {
    const why = `${message}; no node has a version to go back to`;
    const said = { phase: 'Aborted', wave, reason, message: why, blockedOn: [] } as const;
    return { standing: standingAfter(standing, said, nowMs), actions: [], waits: [] };
  }
  const said = { phase: 'Reverting', wave, reason, message, blockedOn: [...nodeIds, ...sent.keys()] } as const;
  const actions = nodeIds.length === 0 ? [] : [{ kind: 'revert', nodeIds } as const];
  return { standing: standingAfter(standing, said, nowMs), actions, waits: [] };
}

/**
 * Stops a rollout for good. Nodes that serve the version keep it; those that were told to take it and do not serve it yet, or
 * gave it up, are called back, so that no swap begins after this.
 */
export function keepStopped(
  { standing }: Rollout,
  board: Board,
  { nowMs }: FleetView,
  reason: string,
  message: string,
): Decision {
  const recalled = [...board.way('unsent').values()].filter(({ state, exposed }) => state !== 'COMMITTED' && !exposed);
  const nodeIds = fastestFirst(recalled);
  const said = { phase: 'Aborted', wave: standing.wave, reason, message, blockedOn: [] } as const;
  const actions = nodeIds.length === 0 ? [] : [{ kind: 'recall', nodeIds } as const];
  return { standing: standingAfter(standing, said, nowMs), actions, waits: [] };
}

/** What a rollout that goes back does next. */
export function decideRevert({ standing }: Rollout, board: Board, { nowMs }: FleetView): Decision {
  const unsent = fastestFirst([...board.way('unsent').values()]);
  if (unsent.length > 0) return { standing, actions: [{ kind: 'revert', nodeIds: unsent }], waits: [] };
  const open = board.way('under-way');
  if (open.size > 0) {
    const message = `${count(open.size, 'node')} on the way back`;
    const nodeIds = firstOf(open.values());
    const waits = [{ kind: 'nodes', message, nodeIds, sinceMs: standing.sinceMs, untilMs: 0 } as const];
    return { standing: standingAfter(standing, { ...standing, blockedOn: nodeIds }, nowMs), actions: [], waits };
  }
  const rest = [...board.way('stuck').keys(), ...board.way('unreached').keys()];
  const back = `${count(board.way('back').size, 'node')} back on the version before`;
  const named = rest.slice(0, maxBlockedOn).join(', ');
  const missing = rest.length === 0 ? '' : `, not known to be back: ${named}`;
  const message = `${standing.message}; ${back}${missing}`;
  const said = { ...standing, phase: 'Reverted', message, blockedOn: [] } as const;
  return { standing: standingAfter(standing, said, nowMs), actions: [], waits: [] };
}

/** Nodes that serve the version first, then those that can be reached. */
function fastestFirst(verdicts: readonly Verdict[]): string[] {
  const rank = ({ exposed, state }: Verdict): number => (exposed ? 0 : state === 'OFFLINE' ? 2 : 1);
  return verdicts.toSorted((a, b) => rank(a) - rank(b)).map(({ nodeId }) => nodeId);
}
