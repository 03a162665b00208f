import type { PromoteRolloutRequest, PromoteRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Skips what is waited for. */
export function promoteRollout(commands: Commands, fleet: Fleet) {
  return async ({ name, full }: PromoteRolloutRequest, { identity }: CallContext): Promise<PromoteRolloutResponse> => ({
    rollout: rolloutMessage(commands.promote(name, full, identity), fleet.view()),
  });
}
