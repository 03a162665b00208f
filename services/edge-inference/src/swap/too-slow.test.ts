import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tooSlowBeside } from './too-slow.js';

const table: readonly (readonly [
  why: string,
  present: number | undefined,
  coming: number,
  ratio: number,
  words: string | undefined,
])[] = [
  ['nothing in service', undefined, 900, 8, undefined],
  ['the version in service was not measured', 0, 900, 8, undefined],
  ['any ratio', 3, 900, 0, undefined],
  ['eight times as slow', 3, 24, 8, undefined],
  ['never less than 5 ms', 0.05, 5, 8, undefined],
  ['slower', 3, 30, 8, 'a run takes 30.0 ms, 10.0 times the 3.0 ms of the version in service, 8 times may be'],
];

describe('tooSlowBeside()', () => {
  for (const [why, present, coming, ratio, words] of table) {
    test(`${why}: ${coming} ms`, () => assert.equal(tooSlowBeside(present, coming, ratio), words));
  }
});
