import { Rollout, type WatchRolloutRequest, type WatchRolloutResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Stores } from '../apply.js';
import { load } from '../commands.js';
import { isFinal } from '../decide/rollout.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Notifier } from '../notifier.js';
import { rolloutMessage } from './rollout-message.js';

/** Streams a rollout at once and after each change, until it is final or the controller stops. */
export function watchRollout(stores: Stores, fleet: Fleet, notifier: Notifier, stopping: AbortSignal) {
  return async function* (
    { name }: WatchRolloutRequest,
    { signal }: CallContext,
  ): AsyncGenerator<WatchRolloutResponse> {
    const ended = AbortSignal.any([signal, stopping]);
    let sent = Buffer.alloc(0);
    while (!ended.aborted) {
      const seen = notifier.current();
      const current = load(stores, name);
      const rollout = rolloutMessage(current, fleet.view());
      const bytes = Buffer.from(Rollout.encode(rollout).finish());
      if (!bytes.equals(sent)) yield { rollout };
      sent = bytes;
      if (isFinal(current.standing.phase)) return;
      await notifier.after(seen, ended);
    }
  };
}
