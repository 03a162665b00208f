/**
 * A maximum pool by oneDNN inside TensorFlow. The stock gradient finds every maximum a second time, which makes it a quarter of a
 * training step; oneDNN's forward pass leaves behind where they were. TensorFlow uses these operations in graphs by itself but not
 * for single ones, so they are called by name; a build that does not have them (or has others of that name) keeps the stock pool.
 */
import * as tf from '@tensorflow/tfjs-core';
import { reasonOf } from '@atoll/base/error';
import { type MaxPool, stockMaxPool } from './forward.js';

/** The part of tfjs-node's backend that runs an operation of TensorFlow by its name. */
export interface NodeBackend {
  readonly binding: {
    readonly TF_Version: string;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_FLOAT: number;
  };
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** Name, kind and value of one attribute of an operation. */
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** oneDNN's pool where it works and agrees with the stock one, and a word on which it is. */
export function findMaxPool(backend: NodeBackend): { maxPool: MaxPool; made: string } {
  const maxPool = oneDnnMaxPool(backend);
  try {
    return agrees(maxPool) ? { maxPool, made: 'oneDNN' } : { maxPool: stockMaxPool, made: 'stock: oneDNN differs' };
  } catch (error) {
    const [reason = ''] = reasonOf(error).trim().split('\n');
    return { maxPool: stockMaxPool, made: `stock: ${reason}` };
  }
}

function oneDnnMaxPool(backend: NodeBackend): MaxPool {
  return (value, size) => {
    const attributes = poolAttributes(backend, size);
    const pooled = tf.customGrad((...args) => {
      const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
      const [y, places] = backend.executeMultipleOutputs('_MklNativeMaxPool', attributes, [x], 2);
      if (y === undefined || places === undefined) throw new Error('the pool gave fewer than two outputs');
      save([x, y, places]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
        const [before = x, after = y, where = places] = saved;
        const inputs = [before, after, dy, where];
        return backend.executeMultipleOutputs('_MklNativeMaxPoolGrad', attributes, inputs, 1)[0] ?? dy;
      };
      return { value: y, gradFunc };
    });
    return pooled(value) as tf.Tensor4D;
  };
}

function poolAttributes({ binding }: NodeBackend, size: number): readonly Attribute[] {
  return [
    { name: 'ksize', type: binding.TF_ATTR_INT, value: [1, size, size, 1] },
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, size, size, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: 'VALID' },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'workspace_enabled', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    // The label under which TensorFlow registers oneDNN kernels that take its own layout (mkl_graph_util.h).
    { name: '_kernel', type: binding.TF_ATTR_STRING, value: 'MklNameChangeOp' },
  ];
}

/** Output and gradient against the stock pool: odd sizes, and windows of equal values, of which the first one counts. */
function agrees(maxPool: MaxPool): boolean {
  return tf.tidy(() => {
    const shape: [number, number, number, number] = [2, 7, 5, 3];
    const values = Float32Array.from({ length: 210 }, (_, i) => (i < 105 ? ((i * 37) % 101) - 50 : 1));
    const difference = (pools: readonly MaxPool[]): tf.Tensor => {
      const [one, other] = pools.map((pool) => {
        const weighed = (x: tf.Tensor): tf.Tensor => {
          const y = pool(x as tf.Tensor4D, 2);
          return tf.mul(y, tf.reshape(tf.range(1, y.size + 1), y.shape));
        };
        const { value, grad } = tf.valueAndGrad(weighed)(tf.tensor4d(values, shape));
        return tf.concat([tf.reshape(value, [-1]), tf.reshape(grad, [-1])]);
      }) as [tf.Tensor, tf.Tensor];
      return tf.max(tf.abs(tf.sub(one, other)));
    };
    return difference([maxPool, stockMaxPool]).dataSync()[0] === 0;
  });
}
