import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { percentile } from './percentiles.js';

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  for (const [values, share, expected] of [
    [[7], 0.5, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [hundred, 0.99, 99],
    [hundred, 1, 100],
    [hundred, 0, 1],
    [[], 0.5, Number.NaN],
  ] as const) {
    test(`of ${values.length} values, share ${share}, is ${expected}`, () => {
      assert.equal(percentile(values, share), expected);
    });
  }
});
