import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@atoll/base/log';
import { HealthCheckResponse_ServingStatus as Status, HealthService } from '@atoll/proto/grpc/health/v1/health';
import { openChannel } from './channel.js';
import { checkServing } from './check-serving.js';
import { startServer } from './server.js';

test('checkServing() passes while the server serves, and says why when it does not', async (t) => {
  const server = await startServer({ listen: '127.0.0.1:0', services: [], log: silentLogger });
  t.after(() => server.stop());
  await checkServing(server.address, 5_000);
  server.setServing('', false);
  await assert.rejects(checkServing(server.address, 5_000), {
    code: 'UNAVAILABLE',
    message: `cannot use ${server.address}: its status is NOT_SERVING`,
  });
});

test('checkServing() is UNAVAILABLE where nothing listens', async () => {
  await assert.rejects(checkServing('127.0.0.1:1', 2_000), { code: 'UNAVAILABLE' });
});

test('health: parts come and go, for Check, List and those who Watch, whose streams end when the server stops', async (t) => {
  const server = await startServer({ listen: '127.0.0.1:0', services: [], log: silentLogger });
  const channel = openChannel(server.address);
  t.after(async () => {
    channel.close();
    await server.stop();
  });
  const health = channel.client(HealthService);
  await assert.rejects(health.check({ service: 'tiny' }), {
    code: 'NOT_FOUND',
    message: 'cannot tell the health of "tiny": this server has no such part',
  });
  const seen: number[] = [];
  let told: () => void = () => undefined;
  const watching = (async (): Promise<void> => {
    for await (const { status } of health.watch({ service: 'tiny' })) {
      seen.push(status);
      told();
    }
  })();
  const until = (status: number): Promise<void> =>
    new Promise((resolve) => {
      told = () => seen.at(-1) === status && resolve();
      told();
    });
  await until(Status.SERVICE_UNKNOWN);
  for (const [serving, status] of [
    [true, Status.SERVING],
    [false, Status.NOT_SERVING],
    [undefined, Status.SERVICE_UNKNOWN],
    [true, Status.SERVING],
  ] as const) {
    server.setServing('tiny', serving);
    await until(status);
  }
  assert.deepEqual(await health.check({ service: 'tiny' }), { status: Status.SERVING });
  assert.deepEqual(await health.list({}), {
    statuses: { '': { status: Status.SERVING }, tiny: { status: Status.SERVING } },
  });
  await server.stop();
  await watching;
  const { SERVICE_UNKNOWN, SERVING, NOT_SERVING } = Status;
  assert.deepEqual(seen, [SERVICE_UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN, SERVING, NOT_SERVING]);
});
