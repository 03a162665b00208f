import type { ListEventsRequest, ListEventsResponse } from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import { eventMessage } from './event-message.js';
import { pageSizeOf } from './page.js';

/** Lists what happened, oldest first. */
export function listEvents({ events }: Stores) {
  return async ({ fromOffset, pageSize }: ListEventsRequest): Promise<ListEventsResponse> => ({
    events: events.list(fromOffset, pageSizeOf(pageSize, 1_000, 10_000)).map(eventMessage),
  });
}
