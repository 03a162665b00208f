import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { draw } from './draw.js';
import { Observer } from './observer.js';

describe('Observer', () => {
  it('keeps the least and the greatest value and counts every value once, whatever the order', () => {
    const observer = new Observer();
    observer.observe(Float32Array.of(1e-7, -1e-7, 0));
    observer.observe(Float32Array.of(3, -7.5, 100));
    observer.observe(Float32Array.of(2, 2, 2));
    assert.deepEqual(observer.range(), { min: -7.5, max: 100 });
    const { reach, counts } = observer.histogram();
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      9,
    );
    const binOf = (value: number): number => Math.floor(((value + reach) * 2048) / (2 * reach));
    assert.ok((counts[binOf(2)] ?? 0) >= 3);
    assert.equal(counts[binOf(100)], 1);
  });

  it('counts what is infinite or not a number apart', () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const observer = new Observer();
      observer.observe(Float32Array.of(odd, 1, -2));
      assert.deepEqual([observer.notFinite, observer.count, observer.range()], [1, 2, { min: -2, max: 1 }], `${odd}`);
    }
  });

  it('keeps mean and greatest absolute value of each channel', () => {
    const observer = new Observer(2);
    observer.observe(Float32Array.of(1, -4, 3, 2));
    observer.observe(Float32Array.of(-5, 0, 5, 0));
    assert.deepEqual(
      [[...observer.channelMeans()], [...observer.channelPeaks()]],
      [
        [1, -0.5],
        [5, 4],
      ],
    );
  });

  it('takes the range of a large tensor from every value, and the means from positions all over it', () => {
    const observer = new Observer(2);
    const values = Float32Array.from({ length: 500_000 }, (_, at) => (at % 2 === 0 ? 1 : at / 500_000));
    values[1234] = -9;
    values[4321] = 12;
    observer.observe(values);
    assert.deepEqual(observer.range(), { min: -9, max: 12 });
    const [first = 0, second = 0] = observer.channelMeans();
    assert.ok(Math.abs(first - 1) < 0.01 && Math.abs(second - 0.5) < 0.01, `${first} ${second}`);
  });

  it('has an empty range before it has seen anything', () => {
    assert.deepEqual(new Observer().range(), { min: 0, max: 0 });
  });
});

describe('draw', () => {
  const names = Array.from({ length: 50 }, (_, index) => `photo-${index}`);
  const pick = (items: readonly string[], seed: bigint) => draw(items, (name) => name, 10, seed);

  it('depends on the seed and not on the order of the photos', () => {
    assert.deepEqual(pick(names, 1n), pick(names.toReversed(), 1n));
    assert.notDeepEqual(pick(names, 1n), pick(names, 2n));
    assert.equal(new Set(pick(names, 1n)).size, 10);
  });

  it('gives all when there are fewer', () => {
    assert.equal(pick(names.slice(0, 3), 1n).length, 3);
  });
});
