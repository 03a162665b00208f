import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantizeWeights } from './weights.js';

describe('quantizeWeights', () => {
  it('gives each output channel of a convolution its own scale, and the bias the product of scales', () => {
    const inputScale = Math.fround(0.02);
    const { weights, weightParams, bias, biasParams, adjusted } = quantizeWeights(
      Float32Array.of(1.27, -0.5, 0.0127, 0.0064),
      [2, 1, 1, 2],
      Float32Array.of(1, -0.001),
      0,
      inputScale,
    );
    assert.deepEqual([...weights], [127, -50, 127, 64]);
    assert.deepEqual(weightParams, {
      scale: [Math.fround(0.01), Math.fround(0.0127 / 127)],
      zeroPoint: [0, 0],
      dimension: 0,
    });
    assert.deepEqual(
      biasParams.scale,
      weightParams.scale.map((scale) => Math.fround(inputScale * scale)),
    );
    assert.deepEqual([...bias], [5000, -500]);
    assert.equal(adjusted, 0);
  });

  it('follows the last axis of a depthwise convolution', () => {
    const { weights, weightParams } = quantizeWeights(
      Float32Array.of(1, 10, -2, 5),
      [1, 2, 1, 2],
      new Float32Array(2),
      3,
      1,
    );
    assert.equal(weightParams.dimension, 3);
    assert.deepEqual([...weights], [64, 127, -127, 64]);
  });

  it('gives a dense layer one scale', () => {
    const { weights, weightParams, biasParams } = quantizeWeights(
      Float32Array.of(1, 2, -4, 0.5),
      [2, 2],
      Float32Array.of(1, 2),
      null,
      0.5,
    );
    assert.deepEqual([weightParams.scale.length, biasParams.scale.length], [1, 1]);
    assert.deepEqual([...weights], [32, 64, -127, 16]);
  });

  it('raises the scale of a dead channel until its bias fits half of an int32', () => {
    const { weights, weightParams, bias, adjusted } = quantizeWeights(
      Float32Array.of(0, 1e-9, 1, 1),
      [2, 1, 1, 2],
      Float32Array.of(80, 1),
      0,
      Math.fround(0.004),
    );
    assert.equal(adjusted, 1);
    assert.ok(Math.abs((bias[0] ?? 0) / ((2 ** 31 - 1) / 2) - 1) < 1e-6, `${bias[0]}`);
    assert.deepEqual([...weights], [0, 0, 127, 127]);
    assert.equal(weightParams.scale[1], Math.fround(1 / 127));
  });

  it('rounds the same elements anew for a layer that has its scales along another axis', () => {
    const elements = Float32Array.of(1, 2, -4, 0.5);
    const bias = new Float32Array(2);
    const known = new Map();
    const shared = [null, 0, 3].map((axis) => {
      const shape = axis === 3 ? [1, 1, 2, 2] : [2, 1, 1, 2];
      return [
        quantizeWeights(elements, shape, bias, axis, 1, known),
        quantizeWeights(elements, shape, bias, axis, 1),
      ] as const;
    });
    for (const [found, alone] of shared) assert.deepEqual(found, alone);
  });
});
