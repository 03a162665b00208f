import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRunningMedian } from './running-median.js';

test('a running median is the middle of its last samples in order, whatever they are', () => {
  const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 9 }), (all, size) => {
      const median = createRunningMedian(size);
      assert.equal(median.value, 0);
      for (const [index, sample] of all.entries()) {
        median.add(sample);
        const last = all.slice(Math.max(0, index + 1 - size), index + 1).toSorted((a, b) => a - b);
        assert.equal(median.value, last[(last.length - 1) >>> 1]);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});
