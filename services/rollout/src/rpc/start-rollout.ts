import { AtollError } from '@atoll/base/error';
import type { StartRolloutRequest, StartRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Controller } from '../controller.js';
import { requestOf } from '../state/spec-bytes.js';
import { rolloutMessage } from './rollout-message.js';

/** Begins a rollout. */
export function startRollout({ start, fleet }: Pick<Controller, 'start' | 'fleet'>) {
  return async ({ spec }: StartRolloutRequest, { signal, identity }: CallContext): Promise<StartRolloutResponse> => {
    if (spec === undefined) throw new AtollError('INVALID_ARGUMENT', 'cannot start a rollout: the request has no spec');
    return { rollout: rolloutMessage(await start(requestOf(spec), signal, identity), fleet.view()) };
  };
}
