import type { GetRolloutRequest, GetRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import { load } from '../commands.js';
import type { Fleet } from '../fleet/fleet.js';
import { rolloutMessage } from './rollout-message.js';

/** Tells where a rollout stands. */
export function getRollout(stores: Stores, fleet: Fleet) {
  return async ({ name }: GetRolloutRequest): Promise<GetRolloutResponse> => ({
    rollout: rolloutMessage(load(stores, name), fleet.view()),
  });
}
