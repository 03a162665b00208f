import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@atoll/base/log';
import { checkServing } from './health.js';
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
