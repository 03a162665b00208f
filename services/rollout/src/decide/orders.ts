/** What a person may ask of a rollout, and what comes of it. */
import { AtollError } from '@atoll/base/error';
import { beginRevert, type Decision } from './decide.js';
import { isFinal, type Rollout } from './rollout.js';

/** What becomes of nodes that have the version when a rollout is stopped. */
export type AbortPolicy = 'keep' | 'revert';

/** Stops a rollout; FAILED_PRECONDITION when it is over. One that is going back already goes on doing so. */
export function decideAbort(rollout: Rollout, policy: AbortPolicy): Decision {
  const { standing, spec } = rollout;
  if (isFinal(standing.phase)) throw refused('abort', rollout, `it is ${standing.phase.toLowerCase()} already`);
  if (policy === 'keep') {
    const message = `stopped; the nodes that have version ${spec.target.version} keep it`;
    return {
      standing: { ...standing, phase: 'Aborted', reason: 'AbortedByOperator', message, blockedOn: [] },
      actions: [],
    };
  }
  if (standing.phase === 'Reverting') return { standing, actions: [] };
  if (rollout.members.every(({ generation }) => generation === 0n)) {
    const message = 'stopped before any node was assigned';
    return {
      standing: { ...standing, phase: 'Aborted', reason: 'AbortedByOperator', message, blockedOn: [] },
      actions: [],
    };
  }
  return beginRevert(rollout, 'AbortedByOperator', 'stopped; the nodes that have the version go back');
}

/**
 * Sends the nodes of a rollout back. `desired` gives the newest generation of a node with the rollout that asked for it, `others`
 * are the rollouts at work. FAILED_PRECONDITION when a later rollout has moved a node on, or another is at work on the model.
 */
export function decideUndo(
  rollout: Rollout,
  desired: (nodeId: string) => { readonly generation: bigint; readonly rollout: string } | undefined,
  others: readonly Rollout[],
): Decision {
  const { standing, spec, members } = rollout;
  if (standing.phase === 'Reverting' || standing.phase === 'Reverted')
    throw refused('undo', rollout, 'it went back already');
  const busy = others.find((other) => other.uid !== rollout.uid && other.spec.target.model === spec.target.model);
  if (busy !== undefined) throw refused('undo', rollout, `rollout ${busy.spec.name} is at work on the model`);
  for (const { nodeId, generation } of members) {
    const newest = desired(nodeId);
    if (generation === 0n || newest?.generation === generation) continue;
    throw refused('undo', rollout, `rollout ${newest?.rollout ?? 'unknown'} has moved node ${nodeId} on since`);
  }
  if (!members.some(({ generation, previous }) => generation > 0n && previous !== undefined)) {
    throw refused('undo', rollout, 'no node has a version to go back to');
  }
  return beginRevert(rollout, 'Undone', 'undone; every node goes back to the version before');
}

function refused(verb: string, { spec }: Rollout, reason: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot ${verb} rollout ${spec.name}: ${reason}`);
}
