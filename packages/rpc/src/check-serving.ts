import { AtollError } from '@atoll/base/error';
import { HealthCheckResponse_ServingStatus as Status, HealthService } from '@atoll/proto/grpc/health/v1/health';
import { openChannel } from './channel.js';

/** Asks grpc.health.v1 at an address; UNAVAILABLE unless it says SERVING within `timeoutMs`. */
export async function checkServing(address: string, timeoutMs: number): Promise<void> {
  const channel = openChannel(address);
  try {
    const { status } = await channel.client(HealthService).check({ service: '' }, { timeoutMs });
    if (status === Status.SERVING) return;
    const word = Object.entries(Status).find(([, value]) => value === status)?.[0] ?? String(status);
    throw new AtollError('UNAVAILABLE', `cannot use ${address}: its status is ${word}`);
  } finally {
    channel.close();
  }
}
