import { AtollError } from '@atoll/base/error';
import type { StartRolloutRequest, StartRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Begins a rollout. */
export function startRollout(commands: Commands, fleet: Fleet) {
  return async ({ spec }: StartRolloutRequest, { signal }: CallContext): Promise<StartRolloutResponse> => {
    if (spec === undefined) throw new AtollError('INVALID_ARGUMENT', 'cannot start a rollout: the request has no spec');
    return { rollout: rolloutMessage(await commands.start(spec, signal), fleet.view()) };
  };
}
