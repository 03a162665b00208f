import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coarser, withoutTail } from './charts.js';

test('coarser joins neighbours, and loses no count and no place', () => {
  for (const length of [1, 63, 64, 127, 128, 1000, 2048]) {
    const counts = Array.from({ length }, (_, index) => index);
    const joined = coarser({ min: -1, max: -1 + length * 0.5, counts });
    const width = (joined.max - joined.min) / joined.counts.length;
    const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
    assert.equal(sum(joined.counts), sum(counts), `${length}`);
    assert.ok(joined.counts.length <= 127 && joined.counts.length >= Math.min(length, 64), `${length}`);
    assert.ok(
      Math.abs(width / 0.5 - Math.round(width / 0.5)) < 1e-9 && joined.max >= -1 + length * 0.5 - 1e-9,
      `${length}`,
    );
  }
});

test('withoutTail cuts what is empty at the end, and nothing else', () => {
  assert.deepEqual(withoutTail({ min: 0, max: 8, counts: [0, 2, 0, 1, 0, 0, 0, 0] }), {
    min: 0,
    max: 4,
    counts: [0, 2, 0, 1],
  });
  assert.deepEqual(withoutTail({ min: 0, max: 2, counts: [0, 0] }), { min: 0, max: 1, counts: [0] });
});
