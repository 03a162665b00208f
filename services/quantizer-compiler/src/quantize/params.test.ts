import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activationParams, inputParams, quantizeInt8, roundHalfAway } from './params.js';

describe('activationParams', () => {
  const cases: readonly (readonly [string, number, number, number, number])[] = [
    ['a ReLU', 0, 2.55, 0.01, -128],
    ['a symmetric range', -1, 1, 1 / 127, -1],
    ['an end beside 0 keeps a step of its own', -1e-4, 254, 1, -127],
    ['a range whose zero point is whole', -0.28, 2.27, 0.01, -100],
    ['a range above 0 is widened down to it', 5.1, 25.5, 0.1, -128],
    ['a range below 0 is widened up to it', -25.5, -5.1, 0.1, 127],
    ['a range of nothing', 0, 0, 1e-6 / 254, -1],
    ['an end that is hardly above 0', -1.0000001e-6, 1.4e-45, 1.0000001e-6 / 254, 126],
  ];
  for (const [name, min, max, scale, zeroPoint] of cases) {
    it(name, () => {
      const params = activationParams({ min, max });
      assert.equal(params.scale[0], Math.fround(params.scale[0] ?? 0));
      assert.ok(Math.abs((params.scale[0] ?? 0) / scale - 1) < 1e-6, `${params.scale[0]}`);
      assert.equal(params.zeroPoint[0], zeroPoint);
    });
  }

  it('represents 0 exactly and reaches both ends', () => {
    for (const [min, max] of [
      [-0.37, 1.91],
      [-6, 0.01],
      [-3e-3, 7e4],
    ] as const) {
      const params = activationParams({ min, max });
      const [scale = 1] = params.scale;
      const [zeroPoint = 0] = params.zeroPoint;
      assert.deepEqual([...quantizeInt8(Float32Array.of(0), params)], [zeroPoint]);
      const [least, most] = [scale * (-128 - zeroPoint), scale * (127 - zeroPoint)];
      assert.ok(least <= min * (1 - 1e-6) && most >= max * (1 - 1e-6), `${least}..${most} for ${min}..${max}`);
      assert.ok(scale <= ((max - min) / 254) * (1 + 1e-6), `${scale}`);
    }
  });
});

it('pixels scaled to -1..1 are off to both sides alike', () => {
  const params = activationParams({ min: -1, max: 1 });
  const [scale = 1] = params.scale;
  const [zeroPoint = 0] = params.zeroPoint;
  const reals = Float32Array.from({ length: 256 }, (_, pixel) => pixel / 127.5 - 1);
  const sum = quantizeInt8(reals, params).reduce(
    (total, q, at) => total + scale * (q - zeroPoint) - (reals[at] ?? 0),
    0,
  );
  assert.ok(Math.abs(sum / 256) < 0.01 * scale, `${sum / 256 / scale} steps off on average`);
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
