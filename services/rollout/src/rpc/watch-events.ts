import type { WatchEventsRequest, WatchEventsResponse } from '@atoll/proto/atoll/v1/rollout';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Stores } from '../apply.js';
import type { Notifier } from '../notifier.js';
import { eventMessage } from './event-message.js';

/** Events that are read at a time. */
const perRead = 1_000;

/** Streams what happened from an offset on, and then what happens, until the caller or the controller ends it. */
export function watchEvents({ events }: Stores, notifier: Notifier, stopping: AbortSignal) {
  return async function* (
    { fromOffset, rollout }: WatchEventsRequest,
    { signal }: CallContext,
  ): AsyncGenerator<WatchEventsResponse> {
    const ended = AbortSignal.any([signal, stopping]);
    let next = fromOffset;
    while (!ended.aborted) {
      const seen = notifier.current();
      const page = events.list(next, perRead);
      for (const event of page) {
        next = event.offset + 1n;
        if (rollout === '' || event.rollout === rollout) yield { event: eventMessage(event) };
      }
      if (page.length < perRead) await notifier.after(seen, ended);
    }
  };
}
