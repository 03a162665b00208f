import { AbortPolicy, type AbortRolloutRequest, type AbortRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Stops a rollout. */
export function abortRollout(commands: Commands, fleet: Fleet) {
  return async ({ name, policy }: AbortRolloutRequest, { identity }: CallContext): Promise<AbortRolloutResponse> => {
    const rollout = commands.abort(name, policy === AbortPolicy.ABORT_POLICY_KEEP ? 'keep' : 'revert', identity);
    return { rollout: rolloutMessage(rollout, fleet.view()) };
  };
}
