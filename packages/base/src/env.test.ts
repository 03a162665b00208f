import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvReader } from './env.js';

test('EnvReader gives typed values and fallbacks', () => {
  const env = new EnvReader({ ATOLL_X_PORT: '7', ATOLL_X_MODE: 'fast', OTHER: 'ignored' }, 'ATOLL_X_');
  assert.equal(env.integer('ATOLL_X_PORT', 1, 0, 65_535), 7);
  assert.equal(env.integer('ATOLL_X_SIZE', 5, 0, 9), 5);
  assert.equal(env.choice('ATOLL_X_MODE', 'slow', ['slow', 'fast']), 'fast');
  assert.equal(env.optionalText('ATOLL_X_NAME'), undefined);
  assert.equal(env.text('ATOLL_X_HOME', '/data'), '/data');
  env.done();
});

test('EnvReader.done lists every fault at once and the nearest right name of an unknown one', () => {
  const env = new EnvReader({ ATOLL_X_PORT: 'eighty', ATOLL_X_MODE: 'warp', ATOLL_X_LISTEM: 'a' }, 'ATOLL_X_');
  env.integer('ATOLL_X_PORT', 1, 0, 65_535);
  env.choice('ATOLL_X_MODE', 'slow', ['slow', 'fast']);
  env.text('ATOLL_X_KEY');
  env.text('ATOLL_X_LISTEN', 'x');
  assert.throws(
    () => env.done(),
    (error: Error) => {
      for (const part of ['"eighty"', '"warp"', 'ATOLL_X_KEY is not set', 'did you mean ATOLL_X_LISTEN?']) {
        assert.ok(error.message.includes(part), `${part} in ${error.message}`);
      }
      return !error.message.includes('\n');
    },
  );
});

test('EnvReader counts an empty value as not set', () => {
  const env = new EnvReader({ ATOLL_X_KEY: '' }, 'ATOLL_X_');
  env.text('ATOLL_X_KEY');
  assert.throws(() => env.done(), /ATOLL_X_KEY is not set/);
});
