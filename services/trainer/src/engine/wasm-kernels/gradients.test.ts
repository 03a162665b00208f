import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { randomStream } from '../../augment/random.js';
import { loadWasm } from '../wasm.js';

interface Case {
  readonly size: readonly [number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly pad: 'same' | 'valid';
}

const cases: readonly Case[] = [1, 3, 5].flatMap((kernel) =>
  [1, 2].flatMap((stride) =>
    (['same', 'valid'] as const).flatMap((pad) =>
      (
        [
          [9, 8],
          [10, 7],
        ] as const
      ).map((size) => ({ size, kernel, stride, pad })),
    ),
  ),
);

const named = ({ size, kernel, stride, pad }: Case): string =>
  `${size.join('x')}, window ${kernel}, stride ${stride}, ${pad}`;

/** Values in -1..1 that no two of which are equal, so that a maximum is never shared. */
function values(shape: readonly number[], name: string): Float32Array {
  const random = randomStream(7, name);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(-1, 1));
}

interface Inputs {
  readonly x: Float32Array;
  readonly w: Float32Array;
}

interface Function {
  /** A weighted sum of the outputs, so that every gradient is exercised. */
  value(inputs: Inputs): number;
  gradients(inputs: Inputs): Inputs;
}

function convolution({ size: [h, w], kernel, stride, pad }: Case): Function & Inputs {
  const xShape: [number, number, number, number] = [2, h, w, 3];
  const wShape: [number, number, number, number] = [kernel, kernel, 3, 4];
  const weigh = (x: tf.Tensor, f: tf.Tensor): tf.Scalar => {
    const y = tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, stride, pad);
    return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 'cotangent'), y.shape)));
  };
  return functionOf(weigh, xShape, wShape);
}

function maxPool({ size: [h, w], kernel, stride, pad }: Case): Function & Inputs {
  const xShape: [number, number, number, number] = [2, h, w, 3];
  const weigh = (x: tf.Tensor, bias: tf.Tensor): tf.Scalar => {
    const y = tf.add(tf.maxPool(x as tf.Tensor4D, kernel, stride, pad), bias);
    return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 'cotangent'), y.shape)));
  };
  return functionOf(weigh, xShape, [3]);
}

function functionOf(
  weigh: (x: tf.Tensor, w: tf.Tensor) => tf.Scalar,
  xShape: number[],
  wShape: number[],
): Function & Inputs {
  return {
    x: values(xShape, 'x'),
    w: values(wShape, 'w'),
    value: ({ x, w }) => {
      const out = tf.tidy(() => weigh(tf.tensor(x, xShape), tf.tensor(w, wShape)));
      const [value = Number.NaN] = out.dataSync();
      out.dispose();
      return value;
    },
    gradients: ({ x, w }) => {
      const [dx, dw] = tf.tidy(() => tf.grads(weigh)([tf.tensor(x, xShape), tf.tensor(w, wShape)]));
      return { x: dx?.dataSync<'float32'>().slice() ?? x, w: dw?.dataSync<'float32'>().slice() ?? w };
    },
  };
}

function maxDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

/** (f(v + h) - f(v - h)) / 2h, one place at a time. */
function centralDifference(f: Function, inputs: Inputs, of: 'x' | 'w', place: number, h: number): number {
  const moved = (by: number): Inputs => {
    const copy = inputs[of].slice();
    copy[place] = (copy[place] ?? 0) + by;
    return { ...inputs, [of]: copy };
  };
  return (f.value(moved(h)) - f.value(moved(-h))) / (2 * h);
}

describe('wasm gradient kernels', () => {
  before(async () => {
    await loadWasm();
  });

  for (const [kind, build] of [
    ['convolution', convolution],
    ['max-pool', maxPool],
  ] as const) {
    for (const item of cases) {
      test(`${kind} equals the cpu backend: ${named(item)}`, async () => {
        const f = build(item);
        await tf.setBackend('cpu');
        const expected = f.gradients(f);
        await tf.setBackend('wasm');
        const actual = f.gradients(f);
        assert.ok(maxDifference(actual.x, expected.x) <= 1e-5, `input: ${maxDifference(actual.x, expected.x)}`);
        assert.ok(maxDifference(actual.w, expected.w) <= 1e-5, `weights: ${maxDifference(actual.w, expected.w)}`);
      });
    }

    test(`${kind} equals central differences`, async () => {
      await tf.setBackend('wasm');
      const f = build({ size: [7, 6], kernel: 3, stride: kind === 'max-pool' ? 2 : 1, pad: 'valid' });
      const actual = f.gradients(f);
      // A step this small must not change which value of a window is largest; float32 sums then round to about 1e-3 of it.
      const h = kind === 'max-pool' ? 1e-4 : 1e-2;
      const tolerance = kind === 'max-pool' ? 2e-2 : 2e-3;
      for (const of of ['x', 'w'] as const) {
        for (let place = 0; place < f[of].length; place += 3) {
          const expected = centralDifference(f, f, of, place, h);
          const found = actual[of][place] ?? Number.NaN;
          assert.ok(Math.abs(found - expected) <= tolerance, `${of}[${place}]: ${found} against ${expected}`);
        }
      }
    });
  }

  test('leave no tensor behind', async () => {
    await tf.setBackend('wasm');
    const f = convolution({ size: [9, 8], kernel: 3, stride: 1, pad: 'valid' });
    const before = tf.memory().numTensors;
    f.gradients(f);
    // The two gradients themselves are the caller's.
    assert.equal(tf.memory().numTensors, before + 2);
  });
});
