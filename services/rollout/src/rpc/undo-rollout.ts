import type { UndoRolloutRequest, UndoRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Sends the nodes of a rollout back. */
export function undoRollout(commands: Commands, fleet: Fleet) {
  return async ({ name }: UndoRolloutRequest, { identity }: CallContext): Promise<UndoRolloutResponse> => ({
    rollout: rolloutMessage(commands.undo(name, identity), fleet.view()),
  });
}
