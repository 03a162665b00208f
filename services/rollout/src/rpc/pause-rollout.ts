import type { PauseRolloutRequest, PauseRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Stops giving the version to more nodes. */
export function pauseRollout(commands: Commands, fleet: Fleet) {
  return async ({ name }: PauseRolloutRequest, { identity }: CallContext): Promise<PauseRolloutResponse> => ({
    rollout: rolloutMessage(commands.pause(name, identity), fleet.view()),
  });
}
