/**
 * What a rollout does next, as a list of rules of which the first that holds decides. It reads the rollout, the verdicts on its
 * nodes and the fleet at one moment, and gives the standing to be written, the actions to be done with it, and what is waited
 * for. It is asked again after every change and every few seconds, so no rule may rely on having been asked before.
 */
import type { Board } from './board.js';
import { assignable, describeBudgets } from './budget.js';
import type { Verdict } from './classify.js';
import type { Action, Decision, Wait } from './decision.js';
import type { FleetView } from './fleet-view.js';
import { trippedGate } from './gates.js';
import { decideRevert, stop } from './going-back.js';
import { isFinal, type Phase, type Rollout } from './rollout.js';
import { count, firstOf, standingAfter } from './standing.js';
import { waveGate } from './wave-gate.js';

/** The rules. */
export function decide(rollout: Rollout, board: Board, fleet: FleetView): Decision {
  const { standing, spec } = rollout;
  const { phase } = standing;
  if (phase === 'Complete') return adoptNewcomers(rollout, board, fleet);
  if (isFinal(phase)) return { standing, actions: [], waits: [] };
  if (phase === 'Reverting') return decideRevert(rollout, board, fleet);
  // Whoever paused it looks at it: failures meanwhile are for the person, who acknowledges them by resuming.
  if (standing.reason === 'PausedByOperator') return paused(rollout);

  const failures = trippedGate(spec, board);
  if (failures !== undefined) return stop(rollout, board, fleet, 'TooManyFailures', failures);
  if (phase === 'Paused') return paused(rollout);

  if (!fleet.connected) {
    const message = 'the broker does not answer: nothing is assigned meanwhile';
    return hold(rollout, fleet, 'BrokerAway', { kind: 'broker', message, nodeIds: [], untilMs: 0 });
  }
  if (fleet.silent) {
    const message = 'no node of the fleet is heard of: nothing is assigned meanwhile';
    return hold(rollout, fleet, 'FleetSilent', { kind: 'fleet', message, nodeIds: [], untilMs: 0 });
  }

  const wave = standing.full ? rollout.waves.length : Math.max(1, standing.wave);
  const assigned = assignable(spec, board, wave);
  const unassigned = board.unassigned(wave).next().done !== true;
  if (unassigned || board.openCount(wave) > 0) return waiting(rollout, wave, board, fleet, assignments(assigned));

  const gate = waveGate(rollout, wave, board, fleet);
  switch (gate.kind) {
    case 'stop':
      return stop(rollout, board, fleet, gate.reason, gate.message);
    case 'settle':
      return { standing, actions: [{ kind: 'settle-wave', wave }], waits: [] };
    case 'hold':
      return hold(rollout, fleet, gate.reason, gate.wait);
    case 'pause':
      return hold(rollout, fleet, gate.reason, gate.wait, 'Paused');
    case 'pass': {
      const { evidence } = gate;
      const passed = rollout.waves.flatMap(({ passedMs }, index): Action[] =>
        index < wave && passedMs === 0 ? [{ kind: 'pass-wave', wave: index + 1, evidence }] : [],
      );
      if (wave === rollout.waves.length) return complete(rollout, board, fleet, passed);
      const next = assignable(spec, board, wave + 1);
      return waiting(rollout, wave + 1, board, fleet, [...passed, ...assignments(next)]);
    }
  }
}

/** Nodes that joined after it was complete get the version too. */
function adoptNewcomers({ standing, spec }: Rollout, board: Board, fleet: FleetView): Decision {
  const can = fleet.connected && !fleet.silent;
  return { standing, actions: can ? assignments(assignable(spec, board, board.waves)) : [], waits: [] };
}

function paused({ standing }: Rollout): Decision {
  const { message, blockedOn, sinceMs } = standing;
  const kind = standing.reason === 'WaitingForApproval' ? 'approval' : 'person';
  const nodeIds = blockedOn.filter((id) => id !== kind && id !== 'operator');
  return { standing, actions: [], waits: [{ kind, message, nodeIds, sinceMs, untilMs: 0 }] };
}

/** Stands still, and says why; what holds it up is named by its nodes or, without any, by itself. */
function hold(
  rollout: Rollout,
  { nowMs }: FleetView,
  reason: string,
  wait: Omit<Wait, 'sinceMs'>,
  phase: Phase = rollout.standing.phase,
): Decision {
  const { kind, message, nodeIds } = wait;
  const { wave } = rollout.standing;
  const name = kind === 'broker' ? 'nats' : kind === 'person' ? 'operator' : kind;
  const blockedOn = nodeIds.length > 0 ? nodeIds : [name];
  const standing = standingAfter(rollout.standing, { phase, wave, reason, message, blockedOn }, nowMs);
  return { standing, actions: [], waits: [{ ...wait, sinceMs: standing.sinceMs }] };
}

/** Assigns what there is room for, and waits for nodes that are at it and for room. */
function waiting(
  rollout: Rollout,
  wave: number,
  board: Board,
  { nowMs }: FleetView,
  actions: readonly Action[],
): Decision {
  const { waves, spec } = rollout;
  const chosen = new Set(actions.flatMap((action) => (action.kind === 'assign' ? action.nodeIds : [])));
  const open = [...firstOf(board.open(wave)), ...[...chosen].slice(0, 20)];
  const [first] = open;
  const doing = first === undefined ? '' : (board.get(first)?.message ?? '');
  const number = board.openCount(wave) + chosen.size;
  const rest = board.counts(wave).PENDING - chosen.size;
  const room = rest > 0 ? `, ${count(rest, 'node')} more when there is room (${describeBudgets(spec)})` : '';
  const message = `wave ${wave} of ${waves.length} waits for ${count(number, 'node')}${doing === '' ? '' : `: ${first} ${doing}`}${room}`;
  const said = { phase: 'Progressing', wave, reason: 'WaitingForWave', message, blockedOn: open } as const;
  const standing = standingAfter(rollout.standing, said, nowMs);
  const { sinceMs } = standing;
  const nodes = { kind: 'nodes', message, nodeIds: standing.blockedOn, sinceMs, untilMs: 0 } as const;
  const budget = { ...nodes, kind: 'budget', message: describeBudgets(spec), nodeIds: [] } as const;
  return { standing, actions, waits: rest > 0 ? [nodes, budget] : [nodes] };
}

function assignments(verdicts: readonly Verdict[]): Action[] {
  const byWave = new Map<number, string[]>();
  for (const { wave, nodeId } of verdicts) {
    const nodeIds = byWave.get(wave);
    if (nodeIds === undefined) byWave.set(wave, [nodeId]);
    else nodeIds.push(nodeId);
  }
  return [...byWave].map(([wave, nodeIds]) => ({ kind: 'assign', wave, nodeIds }));
}

function complete(
  { standing, waves }: Rollout,
  board: Board,
  { nowMs }: FleetView,
  actions: readonly Action[],
): Decision {
  const counts = board.counts();
  const { COMMITTED: committed, OFFLINE: away } = counts;
  const failed = counts.FAILED + counts.ROLLED_BACK + counts.TIMED_OUT;
  const message = [
    `${count(committed, 'node')} on the version`,
    ...(failed === 0 ? [] : [`${failed} failed within what is allowed`]),
    ...(away === 0 ? [] : [`${away} not reachable, to take it on return`]),
  ].join(', ');
  const said = { phase: 'Complete', wave: waves.length, reason: 'AllWavesPassed', message, blockedOn: [] } as const;
  return { standing: standingAfter(standing, said, nowMs), actions, waits: [] };
}
