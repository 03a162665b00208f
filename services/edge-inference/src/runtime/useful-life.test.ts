import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasUseful } from './useful-life.js';

test('wasUseful(): a long life or many answers, not a failed start', () => {
  const cases: readonly [livedMs: number, runs: number, useful: boolean][] = [
    [0, 0, false],
    [999, 15, false],
    [1_000, 0, true],
    [200, 16, true],
  ];
  for (const [livedMs, runs, useful] of cases) assert.equal(wasUseful(livedMs, runs), useful, `${livedMs} ${runs}`);
});
