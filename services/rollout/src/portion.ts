import type { Decision } from './decide/decide.js';

/** Nodes that are told something in one transaction: each is signed for, and nobody else is heard meanwhile. */
export const portion = 1_000;

/** As much of a decision as is done at a time; the next look decides on the rest, which is as it was. */
export function firstPortion(decision: Decision): Decision {
  let left = portion;
  const actions = decision.actions.map((action) => {
    if (!('nodeIds' in action)) return action;
    const nodeIds = action.nodeIds.slice(0, left);
    left -= nodeIds.length;
    return { ...action, nodeIds };
  });
  return { ...decision, actions: actions.filter((action) => !('nodeIds' in action) || action.nodeIds.length > 0) };
}
