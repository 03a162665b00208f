import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.js';

test('readConfig: defaults, and the own folder below the common one', () => {
  assert.deepEqual(readConfig({ ATOLL_REGISTRY_BUILD_KEYS: 'keys.pem', ATOLL_DATA_DIR: 'data' }), {
    listen: '127.0.0.1:7403',
    dataDir: 'data/registry',
    buildKeysPath: 'keys.pem',
    logLevel: 'info',
  });
});

test('readConfig names every fault at once', () => {
  const env = { ATOLL_LOG: 'loud', ATOLL_REGISTRY_LISTN: 'x' };
  assert.throws(() => readConfig(env), /BUILD_KEYS is not set.*ATOLL_LOG.*did you mean ATOLL_REGISTRY_LISTEN/);
});
