import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mayHaveAnswered, type SeenSwap } from './swap-judge.js';

describe('mayHaveAnswered', () => {
  const swaps: readonly SeenSwap[] = [
    { version: 1, beganMs: 0, endedMs: 10 },
    { version: 2, beganMs: 100, endedMs: 120 },
    { version: 3, beganMs: 200, endedMs: Number.POSITIVE_INFINITY },
  ];
  for (const [version, sentMs, endedMs, expected, why] of [
    [1, 50, 55, true, 'it served all the time'],
    [2, 50, 55, false, 'its load had not begun'],
    [2, 99, 101, true, 'it may have been flipped at once'],
    [1, 119, 140, true, 'the flip may have come last of all'],
    [1, 121, 140, false, 'it had left'],
    [1, 90, 140, true, 'the request was sent before it left'],
    [2, 500, 510, true, 'the load of the next has not ended'],
    [3, 500, 510, true, 'its own may have flipped already'],
    [4, 500, 510, false, 'nobody has loaded it'],
  ] as const) {
    test(`of version ${version} within ${sentMs}..${endedMs} is ${expected}: ${why}`, () => {
      assert.equal(mayHaveAnswered({ version, sentMs, endedMs }, swaps), expected);
    });
  }
});
