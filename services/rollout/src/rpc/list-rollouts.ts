import type { ListRolloutsRequest, ListRolloutsResponse } from '@atoll/proto/atoll/v1/rollout';
import type { Stores } from '../apply.js';
import type { Fleet } from '../fleet/fleet.js';
import { badToken, pageSizeOf } from './page.js';
import { rolloutMessage } from './rollout-message.js';

/** Lists rollouts, newest first. */
export function listRollouts({ rollouts }: Stores, fleet: Fleet) {
  return async ({ pageSize, pageToken }: ListRolloutsRequest): Promise<ListRolloutsResponse> => {
    const size = pageSizeOf(pageSize, 100, 1_000);
    if (!/^\d{0,15}$/.test(pageToken)) throw badToken(pageToken);
    const found = rollouts.page(pageToken === '' ? undefined : BigInt(pageToken), size + 1);
    const page = found.slice(0, size);
    const view = fleet.view();
    return {
      rollouts: page.map(({ rollout }) => rolloutMessage(rollout, view)),
      nextPageToken: found.length > size ? String(page.at(-1)?.number ?? '') : '',
    };
  };
}
