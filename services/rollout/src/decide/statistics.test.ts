import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wilsonLower, wilsonUpper } from './statistics.js';

/** By the formula with the normal quantile of Python 3.11 (statistics.NormalDist), to four places. */
const rows: readonly (readonly [hits: number, trials: number, confidence: number, lower: number, upper: number])[] = [
  [1, 1, 0.95, 0.2699, 1],
  [1, 10, 0.95, 0.0226, 0.3477],
  [5, 100, 0.975, 0.0215, 0.1118],
  [0, 20, 0.95, 0, 0.1192],
  [50, 1_000, 0.99, 0.0362, 0.0686],
];
for (const [hits, trials, confidence, lower, upper] of rows) {
  test(`wilson: ${hits} of ${trials} at ${confidence} is ${lower} to ${upper}`, () => {
    assert.ok(
      Math.abs(wilsonLower(hits, trials, confidence) - lower) < 6e-5,
      `${wilsonLower(hits, trials, confidence)}`,
    );
    assert.ok(
      Math.abs(wilsonUpper(hits, trials, confidence) - upper) < 6e-5,
      `${wilsonUpper(hits, trials, confidence)}`,
    );
  });
}

test('wilson: an empty sample says nothing, a confidence of a half is the share itself', () => {
  assert.deepEqual([wilsonLower(0, 0, 0.95), wilsonUpper(0, 0, 0.95)], [0, 1]);
  assert.deepEqual([wilsonLower(3, 10, 0.5), wilsonUpper(3, 10, 0.5)], [0.3, 0.3]);
});

test('wilson: more confidence and fewer trials widen it', () => {
  assert.ok(wilsonLower(10, 100, 0.9999) < wilsonLower(10, 100, 0.95));
  assert.ok(wilsonLower(1, 10, 0.95) < wilsonLower(10, 100, 0.95));
});
