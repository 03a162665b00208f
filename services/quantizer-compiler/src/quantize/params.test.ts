import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activationParams, inputParams, quantizeInt8, roundHalfAway } from './params.js';

describe('activationParams', () => {
  const cases: readonly (readonly [string, number, number, number, number])[] = [
    ['a ReLU', 0, 2.55, 0.01, -128],
    ['a symmetric range', -1, 1, 2 / 255, 0],
    ['a range above 0 is widened down to it', 5.1, 25.5, 0.1, -128],
    ['a range below 0 is widened up to it', -25.5, -5.1, 0.1, 127],
    ['a range of nothing', 0, 0, 1e-6 / 255, 0],
  ];
  for (const [name, min, max, scale, zeroPoint] of cases) {
    it(name, () => {
      const params = activationParams({ min, max });
      assert.equal(params.scale[0], Math.fround(params.scale[0] ?? 0));
      assert.ok(Math.abs((params.scale[0] ?? 0) / scale - 1) < 1e-6, `${params.scale[0]}`);
      assert.ok(
        Math.abs((params.zeroPoint[0] ?? 99) - zeroPoint) <= (name === 'a symmetric range' ? 1 : 0),
        `${params.zeroPoint[0]}`,
      );
    });
  }

  it('represents 0 exactly and both ends within half a step', () => {
    for (const [min, max] of [
      [-0.37, 1.91],
      [-6, 0.01],
      [-3e-3, 7e4],
    ] as const) {
      const params = activationParams({ min, max });
      const [scale = 1] = params.scale;
      const [zeroPoint = 0] = params.zeroPoint;
      const real = (value: number): number =>
        scale * ((quantizeInt8(Float32Array.of(value), params)[0] ?? 0) - zeroPoint);
      assert.equal(real(0), 0);
      assert.ok(
        Math.abs(real(min) - min) <= 0.51 * scale && Math.abs(real(max) - max) <= 0.51 * scale,
        `${min}..${max}`,
      );
    }
  });
});

describe('inputParams', () => {
  const cases = [
    ['0..1', Math.fround(1 / 255), -128],
    ['-1..1', Math.fround(1 / 127.5), 0],
    ['0..255', 1, -128],
  ] as const;
  for (const [range, scale, zeroPoint] of cases) {
    it(`${range}: a pixel is its own uint8 value`, () => {
      assert.deepEqual(inputParams(range), { scale: [scale], zeroPoint: [zeroPoint], dimension: 0 });
    });
  }
});

it('roundHalfAway goes away from 0 on both sides', () => {
  assert.deepEqual([2.5, -2.5, 0.5, -0.5, 1.49].map(roundHalfAway), [3, -3, 1, -1, 1]);
});
