import type { RetryRolloutRequest, RetryRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Gives failed nodes another attempt. */
export function retryRollout(commands: Commands, fleet: Fleet) {
  return async ({ name }: RetryRolloutRequest, { identity }: CallContext): Promise<RetryRolloutResponse> => ({
    rollout: rolloutMessage(commands.retry(name, identity), fleet.view()),
  });
}
