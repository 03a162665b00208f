import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SwapResult, windowOrder } from './swap.js';
import { describeSwap, growthBytes, settlingSwaps, swapFigures } from './swap-figures.js';

const result: SwapResult = {
  load: { requests: 9, failed: 1, wrongVersion: 2, wrongOutput: 3, words: ['cannot infer: too late'] },
  calm: [[1, 2], [3]],
  swapping: [[2], [4, 6]],
  swapMs: [100, 300, 200],
  refused: 4,
  rssBytes: [],
};

describe('windowOrder', () => {
  test('has as many windows of each kind, and of an even number of pairs neither kind is later than the other', () => {
    assert.deepEqual(windowOrder(2), ['calm', 'swapping', 'swapping', 'calm']);
    for (const pairs of [1, 2, 3, 6]) {
      const order = windowOrder(pairs);
      const places = (kind: string) => order.flatMap((one, at) => (one === kind ? [at] : []));
      const sum = (kind: string) => places(kind).reduce((total, at) => total + at, 0);
      assert.deepEqual([places('calm').length, places('swapping').length], [pairs, pairs]);
      assert.equal(sum('swapping') - sum('calm'), pairs % 2);
    }
  });
});

describe('growthBytes', () => {
  test('compares the last looks with the first after memory has settled, medians of ten', () => {
    const settling = Array.from({ length: settlingSwaps }, () => 1e9);
    const rising = Array.from({ length: 200 }, (_, i) => 100e6 + i * 1000);
    assert.equal(growthBytes([...settling, ...rising]), 190_000);
    assert.equal(growthBytes(settling), undefined);
  });
});

describe('swapFigures', () => {
  test('sets latencies with swaps beside those without, over all windows', () => {
    const figures = swapFigures(result, { clients: 8 });
    const found = (name: string) => figures.find((figure) => figure.name === `swap/${name}`);
    assert.deepEqual(
      ['failed', 'wrong-version', 'wrong-output', 'refused-swaps', 'duration'].map((name) => found(name)?.value),
      [1, 2, 3, 4, 200],
    );
    const { value, peerValue, ratio } = found('max') ?? {};
    assert.deepEqual([value, peerValue, ratio], [6, 3, 2]);
    assert.equal(found('rss-growth'), undefined);
  });
});

describe('describeSwap', () => {
  test('tells every kind of failure, and the words of the first', () => {
    const text = describeSwap(result, { clients: 8 });
    assert.match(text, /9 requests in all: 1 failed, 2 named a version not in service, 3 had other bytes/);
    assert.match(text, /\n {4}cannot infer: too late\n {2}3 swaps, median 200 ms, longest 300 ms; 4 refused$/);
  });
});
