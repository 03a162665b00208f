import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Observer } from '../calibrate/observer.js';
import { seededRandom } from '../test-models.js';
import { chooseRange, rangeMethods } from './choose-range.js';
import { activationParams, quantizeInt8 } from './params.js';
import type { Range } from './params.js';

const free = { min: false, max: false };

function observed(values: Float32Array): Observer {
  const observer = new Observer();
  observer.observe(values);
  return observer;
}

/** Sums of random numbers, and a few far away. */
function heavyTailed(seed: number, outliers: readonly number[], count = 50_000): Float32Array {
  const random = seededRandom(seed);
  const values = new Float32Array(count).map(() => random() + random() + random() - 1.5);
  values.set(outliers);
  return values;
}

function meanSquaredError(values: Float32Array, range: Range): number {
  const params = activationParams(range);
  const [[scale = 1], [zeroPoint = 0]] = [params.scale, params.zeroPoint];
  return quantizeInt8(values, params).reduce(
    (sum, q, at) => sum + (scale * (q - zeroPoint) - (values[at] ?? 0)) ** 2,
    0,
  );
}

describe('chooseRange', () => {
  for (const method of rangeMethods) {
    it(`${method} stays within what was measured and keeps ends that must not be clipped`, () => {
      for (const seed of [1, 2, 3]) {
        const observer = observed(heavyTailed(seed, [4, -9]));
        const measured = observer.range();
        const chosen = chooseRange(method, measured, observer.histogram(), free);
        assert.ok(chosen.min >= measured.min && chosen.max <= measured.max && chosen.min < chosen.max, `seed ${seed}`);
        assert.deepEqual(
          chooseRange(method, measured, observer.histogram(), { min: true, max: true }),
          measured,
          `seed ${seed}`,
        );
      }
    });
  }

  it('mse errs less than minmax where a few values are far away, and cuts nothing off what is even', () => {
    for (const seed of [4, 5]) {
      const values = heavyTailed(seed, [3], 400_000);
      const observer = new Observer();
      for (let at = 0; at < values.length; at += 50_000) observer.observe(values.subarray(at, at + 50_000));
      const mse = chooseRange('mse', observer.range(), observer.histogram(), free);
      assert.ok(meanSquaredError(values, mse) < 0.8 * meanSquaredError(values, observer.range()), `seed ${seed}`);
    }
    const random = seededRandom(6);
    const even = observed(Float32Array.from({ length: 20_000 }, () => random()));
    assert.ok(chooseRange('mse', even.range(), even.histogram(), free).max > 0.97);
  });

  it('percentile leaves out single values of many', () => {
    const observer = observed(heavyTailed(7, [80]));
    const { max } = chooseRange('percentile', observer.range(), observer.histogram(), free);
    assert.ok(max < 2, `${max}`);
  });

  it('gives an empty range for a tensor that is always 0', () => {
    const observer = observed(new Float32Array(8));
    for (const method of rangeMethods) {
      assert.deepEqual(chooseRange(method, observer.range(), observer.histogram(), free), { min: 0, max: 0 });
    }
  });
});
