import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { reasonOf } from '@atoll/base/error';
import { randomStream } from '../augment/random.js';
import { type MaxPool, stockMaxPool } from './forward.js';
import { findMaxPool, type NodeBackend } from './one-dnn-max-pool.js';
import { loadTfjsNode } from './tfjs-node.js';

const loaded = await loadTfjsNode().catch((error: unknown) => reasonOf(error));
const skip =
  typeof loaded === 'string' ? `${loaded}; the set-up that npm start and npm test begin with puts it there` : false;

/** The gradient of a weighted sum of the pool, so that every place has its own weight. */
function gradient(pool: MaxPool, values: Float32Array, shape: [number, number, number, number]): Float32Array {
  const weigh = (x: tf.Tensor): tf.Tensor => {
    const y = pool(x as tf.Tensor4D, 2);
    return tf.mul(y, tf.reshape(tf.range(1, y.size + 1), y.shape));
  };
  return tf.tidy(() => tf.grad(weigh)(tf.tensor4d(values, shape)).dataSync<'float32'>().slice());
}

describe('findMaxPool()', { skip }, () => {
  const backend = () => tf.backend() as tf.KernelBackend & NodeBackend;

  for (const shape of [
    [1, 4, 4, 1],
    [3, 9, 6, 5],
    [2, 21, 21, 16],
  ] as [number, number, number, number][]) {
    test(`gives a pool with the stock gradient: ${shape.join(' x ')}`, () => {
      const random = randomStream(1, 'pool', ...shape);
      const count = tf.util.sizeFromShape(shape);
      const distinct = Float32Array.from({ length: count }, () => random.between(-1, 1));
      const tied = Float32Array.from({ length: count }, () => Math.floor(random.between(0, 3)));
      const { maxPool } = findMaxPool(backend());
      for (const values of [distinct, tied]) {
        assert.deepEqual(gradient(maxPool, values, shape), gradient(stockMaxPool, values, shape));
      }
    });
  }

  test('falls back to the stock pool, with the reason, where the operation is missing', () => {
    const without: NodeBackend = {
      binding: backend().binding,
      executeMultipleOutputs: (name) => {
        throw new Error(`there is no ${name}\nsecond line`);
      },
    };
    assert.deepEqual(findMaxPool(without), { maxPool: stockMaxPool, made: 'stock: there is no _MklNativeMaxPool' });
  });

  test('falls back to the stock pool where the operation gives something else', () => {
    const real = backend();
    const other: NodeBackend = {
      binding: real.binding,
      executeMultipleOutputs: (name, attributes, inputs, outputs) =>
        real
          .executeMultipleOutputs(name, attributes, inputs, outputs)
          .map((tensor) => (tensor.dtype === 'float32' ? tf.neg(tensor) : tensor)),
    };
    assert.deepEqual(findMaxPool(other), { maxPool: stockMaxPool, made: 'stock: oneDNN differs' });
  });
});
