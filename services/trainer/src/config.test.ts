import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.js';

test('readConfig() of an empty environment has the defaults', () => {
  const { listen, dataDir, logLevel, maxRunningJobs } = readConfig({});
  assert.deepEqual([listen, dataDir, logLevel, maxRunningJobs], ['127.0.0.1:7401', '.atoll/trainer', 'info', 1]);
});

test('readConfig() lists every fault at once, unknown names with the nearest right one', () => {
  const env = { ATOLL_LOG: 'loud', ATOLL_TRAINER_MAX_RUNNING_JOBS: '0', ATOLL_TRAINER_LISTN: 'x' };
  assert.throws(() => readConfig(env), /ATOLL_LOG.*ATOLL_TRAINER_MAX_RUNNING_JOBS.*did you mean ATOLL_TRAINER_LISTEN/);
});
