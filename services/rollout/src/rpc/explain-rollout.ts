import type { ExplainRolloutRequest, ExplainRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import { load } from '../commands.js';
import { boardOf } from '../decide/board.js';
import { explain } from '../decide/explain.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Tells in words what a rollout waits for and what it would do next. */
export function explainRollout(stores: Stores, fleet: Fleet) {
  return async ({ name }: ExplainRolloutRequest): Promise<ExplainRolloutResponse> => {
    const rollout = load(stores, name);
    const view = fleet.view();
    const board = boardOf(rollout, view);
    const { waits, next, evidence, verbs } = explain(rollout, board, view);
    return {
      rollout: rolloutMessage(rollout, view, board),
      waits: waits.map(({ nodeIds, sinceMs, untilMs, ...wait }) => ({
        ...wait,
        nodeIds: [...nodeIds],
        sinceUnixMs: BigInt(sinceMs),
        untilUnixMs: BigInt(untilMs),
      })),
      next: [...next],
      evidence: [...evidence],
      verbs: [...verbs],
    };
  };
}
