import type { Action, Decision } from './decide/decision.js';

/** Nodes that are told something in one transaction: each is signed for, and nobody else is heard meanwhile. */
export const portion = 1_000;

/**
 * As much of a decision as is done at a time; the next look decides on the rest, which is as it was. What no later look would
 * decide again is done at once.
 */
export function firstPortion(decision: Decision): Decision {
  let left = portion;
  const actions = decision.actions.flatMap((action): readonly Action[] => {
    if (action.kind !== 'assign' && action.kind !== 'revert') return [action];
    const nodeIds = action.nodeIds.slice(0, left);
    left -= nodeIds.length;
    return nodeIds.length === 0 ? [] : [{ ...action, nodeIds }];
  });
  return { ...decision, actions };
}
