import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRunLimits } from './run-limit.js';

const repeat = (times: number, ms: number): number[] => Array.from({ length: times }, () => ms);

describe('createRunLimits()', () => {
  const cases: readonly [name: string, runs: readonly number[], limitMs: number][] = [
    ['the operator limit for a model of which nothing is known', [], 10_000],
    ['the operator limit while little is known', repeat(31, 2), 10_000],
    ['a floor for a fast model', repeat(32, 1.2), 250],
    ['fifty times the slowest run', [...repeat(31, 10), 19.2], 1_000],
    ['a slow run counts through the span after its own', [...repeat(31, 2), 20, ...repeat(31, 2)], 1_000],
    ['and no longer', [...repeat(31, 2), 20, ...repeat(32, 2)], 250],
    ['a slow run counts at once', [...repeat(32, 2), 40], 2_000],
    ['never more than the operator allows', repeat(32, 900), 10_000],
  ];
  for (const [name, runs, limitMs] of cases) {
    test(name, () => {
      const limits = createRunLimits(10_000);
      for (const ms of runs) limits.took('a', ms);
      assert.equal(limits.of('a'), limitMs);
      assert.equal(limits.of('b'), 10_000);
      limits.forget('a');
      assert.equal(limits.of('a'), 10_000);
    });
  }

  test('an operator limit below the floor holds', () => {
    const limits = createRunLimits(100);
    for (const ms of repeat(32, 1)) limits.took('a', ms);
    assert.equal(limits.of('a'), 100);
  });
});
