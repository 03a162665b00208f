import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.js';

const needed = {
  ATOLL_ROLLOUT_DIRECTOR_KEY: 'director.pem',
  ATOLL_ROLLOUT_BUILD_KEYS: 'build-keys.pem',
  ATOLL_ROLLOUT_NODES: 'nodes.json',
  ATOLL_ROLLOUT_NATS_CREDENTIALS: 'controller.seed',
};

test('readConfig: defaults, and the own folder below the common one', () => {
  assert.deepEqual(readConfig({ ...needed, ATOLL_DATA_DIR: 'data' }), {
    listen: '127.0.0.1:7404',
    dataDir: 'data/rollout',
    directorKeyPath: 'director.pem',
    buildKeysPath: 'build-keys.pem',
    nodesPath: 'nodes.json',
    registry: '127.0.0.1:7403',
    natsUrl: 'nats://127.0.0.1:4222',
    natsCredentialsPath: 'controller.seed',
    offlineAfterMs: 90_000,
    leaseMs: 5_000,
    logLevel: 'info',
  });
});

test('readConfig names every fault at once', () => {
  const env = { ATOLL_ROLLOUT_OFFLINE_AFTER_MS: '1', ATOLL_ROLLOUT_NODE: 'x' };
  assert.throws(
    () => readConfig(env),
    /DIRECTOR_KEY is not set.*BUILD_KEYS is.*NODES is.*NATS_CREDENTIALS is.*OFFLINE_AFTER_MS.*did you mean ATOLL_ROLLOUT_NODES\?/,
  );
});
