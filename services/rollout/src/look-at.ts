import { type Board, boardOf } from './decide/board.js';
import { type MemberChange, memberChange } from './decide/changes.js';
import type { FleetView } from './decide/fleet-view.js';
import type { Rollout } from './decide/rollout.js';

/** The board of a rollout whose every node is looked at, and what has come to be known. */
export function lookAt(
  rollout: Rollout,
  fleet: FleetView,
): { readonly board: Board; readonly changes: readonly MemberChange[] } {
  const board = boardOf(rollout, fleet);
  const changes = rollout.members.flatMap((member) => {
    const verdict = board.get(member.nodeId);
    const change = verdict === undefined ? undefined : memberChange(member, verdict, fleet);
    return change === undefined ? [] : [change];
  });
  return { board, changes };
}
