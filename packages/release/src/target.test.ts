import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTarget, segmentGap, targetText } from './target.js';

test('parseTarget reads what targetText writes, and nothing else', () => {
  for (const text of ['cpu', 'edgetpu', 'edgetpu-segment-0-of-2', 'edgetpu-segment-15-of-16']) {
    const target = parseTarget(text);
    assert.ok(target !== undefined, text);
    assert.equal(targetText(target), text);
  }
  assert.deepEqual(parseTarget('edgetpu-segment-1-of-3'), { processor: 'edgetpu', segment: { index: 1, count: 3 } });
  const others = ['', 'gpu', 'CPU', 'cpu-segment-0-of-2', 'edgetpu-segment-2-of-2', 'edgetpu-segment-0-of-1'];
  for (const text of [...others, 'edgetpu-segment-00-of-2', 'edgetpu-segment-0-of-17', 'edgetpu-segment--1-of-2'])
    assert.equal(parseTarget(text), undefined, text);
});

test('segmentGap tells what keeps segments from being one whole model', () => {
  const of = (...pairs: [number, number][]) => segmentGap(pairs.map(([index, count]) => ({ index, count })));
  assert.equal(of(), undefined);
  assert.equal(of([1, 2], [0, 2]), undefined);
  assert.equal(of([0, 2]), 'it lacks segment 1 of 2');
  assert.equal(of([0, 2], [1, 3]), 'its segments are of different cuts');
  assert.equal(of([0, 2], [1, 2], [1, 2]), 'it has a segment twice');
});
