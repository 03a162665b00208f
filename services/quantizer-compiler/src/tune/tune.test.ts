import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RangeMethod } from '../quantize/choose-range.js';
import { keepsTuned, tune } from './tune.js';
import type { Base, Candidate, Choices } from './tune.js';

const names = ['a', 'b', 'c'];
const choices: Choices = {
  bases: ['nearest', 'fitted'],
  tunable: names.map((name) => ({ name, kept: { min: false, max: false } })),
  gain: (_base, name, method) => (method === 'minmax' ? 0 : (names.indexOf(name) + 1) / 10),
};

/** An error that adds up from what each part of a candidate costs. */
function judge(costs: {
  readonly base?: Partial<Record<Base, number>>;
  readonly method?: Partial<Record<string, Partial<Record<RangeMethod, number>>>>;
}): (candidate: Candidate) => Promise<number> {
  return ({ base, methods }) =>
    Promise.resolve(
      names.reduce(
        (sum, name) => sum + (costs.method?.[name]?.[methods.get(name) ?? 'minmax'] ?? 0),
        1 + (costs.base?.[base] ?? 0),
      ),
    );
}

describe('tune', () => {
  const cases: readonly (readonly [
    string,
    Parameters<typeof judge>[0],
    Base,
    Readonly<Record<string, RangeMethod>>,
  ])[] = [
    ['keeps the first candidate where nothing errs less', {}, 'nearest', {}],
    ['takes the best base', { base: { nearest: 0.5, fitted: 0.2 } }, 'fitted', {}],
    ['leaves a base that errs more', { base: { nearest: 0.1, fitted: 0.2 } }, 'nearest', {}],
    [
      'takes one method for all',
      { method: { a: { minmax: 0.1 }, b: { minmax: 0.1 }, c: { minmax: 0.1 } } },
      'nearest',
      { a: 'percentile', b: 'percentile', c: 'percentile' },
    ],
    [
      'takes another method for one tensor',
      { method: { a: { percentile: 1, mse: 1 }, b: { minmax: 0.3 } } },
      'nearest',
      { b: 'percentile' },
    ],
    ['leaves what chance may have made', { method: { b: { minmax: 0.01 } } }, 'nearest', {}],
  ];
  for (const [name, costs, base, methods] of cases) {
    it(name, async () => {
      const { candidate } = await tune(choices, judge(costs), 40);
      assert.equal(candidate.base, base);
      assert.deepEqual(Object.fromEntries([...candidate.methods].filter(([, method]) => method !== 'minmax')), methods);
    });
  }

  it('never errs more than its first candidate, and measures no more than it may', async () => {
    for (let budget = 1; budget < 12; budget++) {
      let measured = 0;
      const errors: number[] = [];
      const found = await tune(
        choices,
        (candidate) => {
          measured++;
          // Any order of better and worse: a hash of the candidate.
          const text = JSON.stringify([candidate.base, [...candidate.methods]]);
          const error = Buffer.from(text).reduce((hash, byte) => (hash * 31 + byte) % 1009, 7) / 1009;
          errors.push(error);
          return Promise.resolve(error);
        },
        budget,
      );
      assert.ok(measured <= budget && found.measured === measured, `budget ${budget}`);
      assert.ok(found.error <= (errors[0] ?? 0), `budget ${budget}`);
    }
  });
});

describe('keepsTuned', () => {
  const cases: readonly (readonly [string, number, number, boolean])[] = [
    ['what errs less', 0.1, 0.2, true],
    ['what errs as much', 0.2, 0.2, true],
    ['not what errs more', 0.21, 0.2, false],
    ['not what cannot be measured', Number.NaN, 0.2, false],
  ];
  for (const [name, tuned, plain, keeps] of cases) {
    it(name, () => assert.equal(keepsTuned(tuned, plain), keeps));
  }
});
