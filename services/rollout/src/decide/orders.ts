/** What a person may ask of a rollout, and what comes of it. */
import { AtollError } from '@atoll/base/error';
import type { Board } from './board.js';
import type { Action, Decision } from './decision.js';
import type { FleetView } from './fleet-view.js';
import { beginRevert, keepStopped } from './going-back.js';
import { type AbortPolicy, isFinal, type Phase, type Rollout, type Standing } from './rollout.js';
import { count, standingAfter } from './standing.js';

/** Gives the newest generation of a node with the rollout that asked for it. */
export type NewestDesired = (nodeId: string) => { readonly generation: bigint; readonly rollout: string } | undefined;

/** No more nodes are assigned until a person resumes or promotes it; FAILED_PRECONDITION when there is nothing to hold. */
export function decidePause(rollout: Rollout, { nowMs }: FleetView): Decision {
  const { standing } = rollout;
  refuseOver('pause', rollout);
  if (standing.reason === 'PausedByOperator') throw refused('pause', rollout, 'it is paused already');
  const message = 'paused; nodes that are at it finish, no others are assigned';
  return turned(standing, 'Paused', 'PausedByOperator', message, nowMs, ['operator']);
}

/**
 * Goes on with a paused rollout. Failures that are known by now count no more; a wave that was in doubt about its numbers
 * soaks once more. FAILED_PRECONDITION when it is not paused, or waits for an approval, which is another question.
 */
export function decideResume(rollout: Rollout, board: Board, { nowMs }: FleetView): Decision {
  const { standing } = rollout;
  if (standing.phase !== 'Paused')
    throw refused('resume', rollout, `it is ${standing.phase.toLowerCase()}, not paused`);
  if (standing.reason === 'WaitingForApproval')
    throw refused('resume', rollout, 'it waits for approval, which promoting it gives');
  const nodeIds = [...board.failures()].map(({ nodeId }) => nodeId);
  const actions: Action[] = nodeIds.length === 0 ? [] : [{ kind: 'acknowledge', nodeIds }];
  if (standing.reason === 'MetricsInconclusive') actions.push({ kind: 'reopen-waves', from: standing.wave });
  const message = `resumed; ${count(nodeIds.length, 'failure')} acknowledged`;
  return { ...turned(standing, atWork(standing), 'Resumed', message, nowMs), actions };
}

/** Skips what the wave at work waits for but its nodes; `full`: what all waves wait for. Approves, and ends a pause. */
export function decidePromote(rollout: Rollout, full: boolean, { nowMs }: FleetView): Decision {
  const { standing, waves } = rollout;
  refuseOver('promote', rollout);
  const wave = Math.max(1, standing.wave);
  const message = full ? 'promoted to all waves at once' : `wave ${wave} of ${waves.length} promoted`;
  const decision = turned(standing, atWork(standing), 'Promoted', message, nowMs);
  const promoted = full ? waves.length : Math.max(standing.promoted, wave);
  return { ...decision, standing: { ...decision.standing, promoted, full: standing.full || full } };
}

/** Stops a rollout; FAILED_PRECONDITION when it is over. One that is going back already goes on doing so. */
export function decideAbort(rollout: Rollout, board: Board, policy: AbortPolicy, fleet: FleetView): Decision {
  const { standing, spec } = rollout;
  const reason = 'AbortedByOperator';
  if (isFinal(standing.phase)) throw refused('abort', rollout, `it is ${standing.phase.toLowerCase()} already`);
  if (policy === 'keep') {
    const message = `stopped; the nodes that have version ${spec.target.version} keep it`;
    return keepStopped(rollout, board, fleet, reason, message);
  }
  if (standing.phase === 'Reverting') return { standing, actions: [], waits: [] };
  if (rollout.members.every(({ generation }) => generation === 0n))
    return turned(standing, 'Aborted', reason, 'stopped before any node was assigned', fleet.nowMs);
  return beginRevert(rollout, board, fleet, reason, 'stopped; the nodes that have the version go back');
}

/** Stops a rollout whose place rollout `name` takes; nodes that have the version keep it until the other reaches them. */
export function decideSupersede(rollout: Rollout, board: Board, name: string, fleet: FleetView): Decision {
  return keepStopped(rollout, board, fleet, 'Superseded', `rollout ${name} took its place`);
}

/**
 * Gives failed nodes another attempt. A rollout that was stopped or went back begins again, with all nodes that have not kept
 * the version. FAILED_PRECONDITION when no node of it failed, it is just going back, another is at work on the model, or a
 * later one has moved a node on.
 */
export function decideRetry(
  rollout: Rollout,
  board: Board,
  desired: NewestDesired,
  others: readonly Rollout[],
  { nowMs }: FleetView,
): Decision {
  const { standing, members } = rollout;
  if (standing.phase === 'Reverting') throw refused('retry', rollout, 'it is going back: wait until it is reverted');
  refuseBusy('retry', rollout, others);
  const over = standing.phase === 'Aborted' || standing.phase === 'Reverted';
  const again = members.filter(({ nodeId, generation, outcome, revertGeneration }) => {
    if (generation === 0n) return false;
    if (over) return outcome !== 'COMMITTED' || revertGeneration > 0n;
    const state = board.get(nodeId)?.state;
    return state === 'FAILED' || state === 'ROLLED_BACK' || state === 'TIMED_OUT';
  });
  if (again.length === 0 && !over) throw refused('retry', rollout, 'no node of it has failed');
  for (const { nodeId, generation, revertGeneration } of again)
    refuseMovedOn('retry', rollout, nodeId, [generation, revertGeneration], desired);
  const nodeIds = again.map(({ nodeId }) => nodeId);
  const actions: Action[] = [
    ...(nodeIds.length === 0 ? [] : [{ kind: 'reset', nodeIds } as const]),
    { kind: 'reopen-waves', from: over ? 1 : Math.max(1, standing.wave) },
  ];
  const message = `${count(nodeIds.length, 'node')} to try again`;
  if (!over) return { ...turned(standing, atWork(standing), 'Retried', message, nowMs), actions };
  const anew = turned({ ...standing, wave: 0 }, 'Pending', 'Retried', message, nowMs, ['controller']);
  return { ...anew, standing: { ...anew.standing, promoted: 0, full: false }, actions };
}

/**
 * Sends the nodes of a rollout back. `others` are the rollouts at work. FAILED_PRECONDITION when a later rollout has moved a
 * node on, or another is at work on the model.
 */
export function decideUndo(
  rollout: Rollout,
  board: Board,
  desired: NewestDesired,
  others: readonly Rollout[],
  fleet: FleetView,
): Decision {
  const { standing, members } = rollout;
  if (standing.phase === 'Reverting' || standing.phase === 'Reverted')
    throw refused('undo', rollout, 'it went back already');
  refuseBusy('undo', rollout, others);
  for (const { nodeId, generation, revertGeneration } of members) {
    if (generation > 0n) refuseMovedOn('undo', rollout, nodeId, [generation, revertGeneration], desired);
  }
  if (board.way('unsent').size + board.way('under-way').size === 0)
    throw refused('undo', rollout, 'no node has a version to go back to');
  return beginRevert(rollout, board, fleet, 'Undone', 'undone; every node goes back to the version before');
}

/** The phase of a rollout that is neither paused nor over. */
function atWork({ wave }: Standing): Phase {
  return wave === 0 ? 'Pending' : 'Progressing';
}

function turned(
  standing: Standing,
  phase: Phase,
  reason: string,
  message: string,
  nowMs: number,
  blockedOn: readonly string[] = isFinal(phase) ? [] : ['controller'],
): Decision {
  const said = { phase, wave: standing.wave, reason, message, blockedOn };
  return { standing: standingAfter(standing, said, nowMs), actions: [], waits: [] };
}

function refuseOver(verb: string, rollout: Rollout): void {
  const { phase } = rollout.standing;
  if (isFinal(phase)) throw refused(verb, rollout, `it is ${phase.toLowerCase()} already`);
  if (phase === 'Reverting') throw refused(verb, rollout, 'it is going back, which nothing holds up');
}

function refuseBusy(verb: string, rollout: Rollout, others: readonly Rollout[]): void {
  const { model } = rollout.spec.target;
  const busy = others.find((other) => other.uid !== rollout.uid && other.spec.target.model === model);
  if (busy !== undefined) throw refused(verb, rollout, `rollout ${busy.spec.name} is at work on the model`);
}

function refuseMovedOn(
  verb: string,
  rollout: Rollout,
  nodeId: string,
  own: readonly bigint[],
  desired: NewestDesired,
): void {
  const newest = desired(nodeId);
  if (newest !== undefined && own.includes(newest.generation)) return;
  throw refused(verb, rollout, `rollout ${newest?.rollout ?? 'unknown'} has moved node ${nodeId} on since`);
}

function refused(verb: string, { spec }: Rollout, reason: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot ${verb} rollout ${spec.name}: ${reason}`);
}
