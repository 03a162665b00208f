import * as tf from '@tensorflow/tfjs-core';
import type { DenseLayer, Layer, Network } from '../model/network.js';
import type { Random } from '../augment/random.js';

/** The trainable tensors of a layer. */
export interface LayerParameters {
  readonly kernel: tf.Tensor;
  readonly bias: tf.Tensor;
}

/** A maximum over square windows that do not overlap, without padding, with its gradient. */
export type MaxPool = (value: tf.Tensor4D, size: number) => tf.Tensor4D;

/** The pool of whatever backend is current. */
export const stockMaxPool: MaxPool = (value, size) => tf.maxPool(value, size, size, 'valid');

/**
 * The network's output before its softmax, photos x classes. `dropout` is the source of masks while training, null otherwise.
 *
 * Where a pool follows a convolution, bias and relu run after the pool: max(x) + b = max(x + b) and relu(max(x)) = max(relu(x))
 * since both only rise, and the pool leaves a quarter of the values to work on, forward and backward.
 */
export function logits(
  network: Network,
  parameters: ReadonlyMap<string, LayerParameters>,
  photos: tf.Tensor4D,
  dropout: Random | null,
  maxPool: MaxPool,
): tf.Tensor2D {
  let value: tf.Tensor = photos;
  for (let i = 0; i < network.layers.length; i++) {
    const layer = network.layers[i] as Layer;
    const next = network.layers[i + 1];
    if (layer.kind === 'convolution') {
      const { kernel, bias } = of(layer.name, parameters);
      value = tf.conv2d(value as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'valid');
      if (next?.kind === 'max-pool') {
        value = maxPool(value as tf.Tensor4D, next.size);
        i++;
      }
      value = relu(tf.add(value, bias));
    } else if (layer.kind === 'max-pool') {
      value = maxPool(value as tf.Tensor4D, layer.size);
    } else if (layer.kind === 'dropout') {
      if (dropout !== null) value = tf.mul(value, dropoutMask(value.shape, layer.rate, dropout));
    } else if (layer.kind === 'flatten') {
      value = tf.reshape(value, [value.shape[0] ?? 0, -1]);
    } else {
      value = dense(layer, value as tf.Tensor2D, of(layer.name, parameters));
    }
  }
  return value as tf.Tensor2D;
}

function dense(layer: DenseLayer, value: tf.Tensor2D, { kernel, bias }: LayerParameters): tf.Tensor {
  const sum = tf.add(tf.matMul(value, kernel as tf.Tensor2D), bias);
  return layer.activation === 'relu' ? relu(sum) : sum;
}

/** tfjs's own gradient goes through `step`, which tfjs-node composes of five operations; a comparison and a cast are enough. */
function relu(value: tf.Tensor): tf.Tensor {
  const positive = tf.customGrad((...args) => {
    const [x, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const y = tf.relu(x);
    save([y]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.cast(tf.greater(saved[0] ?? y, 0), 'float32')),
    };
  });
  return positive(value);
}

/** Zero with probability `rate` (in steps of 2^-16), else 1 / (1 - rate), so that the expected value stays. */
function dropoutMask(shape: number[], rate: number, random: Random): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  const kept = 1 / (1 - rate);
  const dropped = Math.round(rate * 0x1_0000);
  for (let i = 0; i < values.length; i += 2) {
    const bits = random.bits();
    values[i] = (bits & 0xffff) < dropped ? 0 : kept;
    values[i + 1] = bits >>> 16 < dropped ? 0 : kept;
  }
  return tf.tensor(values, shape);
}

function of(layer: string, parameters: ReadonlyMap<string, LayerParameters>): LayerParameters {
  const found = parameters.get(layer);
  if (found === undefined) throw new Error(`layer ${layer} has no parameters`);
  return found;
}
