import type { ResumeRolloutRequest, ResumeRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Commands } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Goes on with a paused rollout. */
export function resumeRollout(commands: Commands, fleet: Fleet) {
  return async ({ name }: ResumeRolloutRequest, { identity }: CallContext): Promise<ResumeRolloutResponse> => ({
    rollout: rolloutMessage(commands.resume(name, identity), fleet.view()),
  });
}
