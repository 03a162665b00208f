import type { DescribeFleetResponse } from '@atoll/proto/atoll/v1/rollout';
import type { RolloutConfig } from '../config.js';

/** Tells where the services of this fleet are. */
export function describeFleet({ registry, natsUrl }: RolloutConfig) {
  return async (): Promise<DescribeFleetResponse> => ({ registry, nats: natsUrl });
}
