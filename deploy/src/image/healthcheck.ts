// node healthcheck.js ADDRESS: exit code 0 when grpc.health.v1 there says SERVING within 3 s. For the HEALTHCHECK of images.
import { service } from 'grpc-health-check';
import { reasonOf } from '@atoll/base/error';
import { openChannel } from '@atoll/rpc/channel';
import type { MethodDefinition } from '@atoll/rpc/definition';

interface CheckMethod extends MethodDefinition {
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestDeserialize: (bytes: Buffer) => { readonly service: string };
  readonly responseDeserialize: (bytes: Buffer) => { readonly status: string };
}

const timeoutMs = 3_000;
const channel = openChannel(process.argv[2] ?? '');
try {
  const health = channel.client({ check: service['Check'] as unknown as CheckMethod });
  const { status } = await health.check({ service: '' }, { timeoutMs });
  if (status !== 'SERVING') throw new Error(`the status is ${status}`);
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
} finally {
  channel.close();
}
