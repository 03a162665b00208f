import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latencyBudgetMs } from './latency-budget.js';

const table: readonly (readonly [
  why: string,
  node: number,
  present: number | undefined,
  ratio: number,
  budget: number,
])[] = [
  ['nothing in service', 2_000, undefined, 8, 2_000],
  ['the version in service was not measured', 2_000, 0, 8, 2_000],
  ['no ratio', 2_000, 3, 0, 2_000],
  ['eight times the version in service', 2_000, 3, 8, 24],
  ['never less than 5 ms', 2_000, 0.05, 8, 5],
  ['never more than the node allows', 20, 3, 8, 20],
  ['a node that allows nothing', 0, 3, 8, 0],
];

describe('latencyBudgetMs()', () => {
  for (const [why, node, present, ratio, budget] of table) {
    test(`${why}: ${budget} ms`, () => assert.equal(latencyBudgetMs(node, present, ratio), budget));
  }
});
