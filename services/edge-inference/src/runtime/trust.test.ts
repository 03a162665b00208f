import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFailure } from './trust.js';
import type { Trust } from './trust.js';

test('afterFailure() keeps a model away for longer each time, up to a minute, and counts failures at one time once', () => {
  let trust: Trust | undefined;
  const away: number[] = [];
  for (let nowMs = 0; away.length < 10;) {
    trust = afterFailure(trust, nowMs);
    assert.equal(afterFailure(trust, trust.awayUntilMs - 1), trust);
    away.push(trust.awayUntilMs - nowMs);
    nowMs = trust.awayUntilMs;
  }
  assert.deepEqual(away, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});
