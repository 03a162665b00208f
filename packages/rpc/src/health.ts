import { service } from 'grpc-health-check';
import { AtollError } from '@atoll/base/error';
import { openChannel } from './channel.js';
import type { MethodDefinition } from './definition.js';

interface CheckMethod extends MethodDefinition {
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestDeserialize: (bytes: Buffer) => { readonly service: string };
  readonly responseDeserialize: (bytes: Buffer) => { readonly status: string };
}

/** Asks grpc.health.v1 at an address; UNAVAILABLE unless it says SERVING within `timeoutMs`. */
export async function checkServing(address: string, timeoutMs: number): Promise<void> {
  const channel = openChannel(address);
  try {
    // The library's definition is untyped.
    const health = channel.client({ check: service['Check'] as unknown as CheckMethod });
    const { status } = await health.check({ service: '' }, { timeoutMs });
    if (status !== 'SERVING') throw new AtollError('UNAVAILABLE', `cannot use ${address}: its status is ${status}`);
  } finally {
    channel.close();
  }
}
