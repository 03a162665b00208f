// tfjs-core's build for Node comes without gradients; this package registers them for every backend.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { randomStream } from '../augment/random.js';
import type { Weight } from '../model/weights.js';
import type { SessionOptions, StepResult, TrainingSession } from './engine.js';
import { type LayerParameters, logits, type MaxPool, stockMaxPool } from './forward.js';
import { probabilities, sparseCrossEntropy } from './scores.js';

/** A session on whatever backend tfjs-core has been set to. */
export function openTfjsSession(
  { network, weights, learningRate, seed }: SessionOptions,
  maxPool: MaxPool = stockMaxPool,
): TrainingSession {
  const { imageSize } = network;
  const variables = weights.map((weight) => variableOf(weight));
  const parameters = byLayer(weights, variables);
  const classes = weights.at(-1)?.shape[0] ?? 0;
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-7);
  const dropout = randomStream(seed, 'dropout');
  const photosOf = (pixels: Float32Array, count: number): tf.Tensor4D =>
    tf.tensor4d(pixels.subarray(0, count * imageSize * imageSize * 3), [count, imageSize, imageSize, 3]);

  return {
    step: (pixels: Float32Array, labels: Int32Array): StepResult =>
      scoped(() => {
        const photos = photosOf(pixels, labels.length);
        const truth = tf.tensor2d(oneHot(labels, classes), [labels.length, classes]);
        let output: tf.Tensor2D | undefined;
        const { grads } = tf.variableGrads(() => {
          output = tf.keep(logits(network, parameters, photos, dropout, maxPool));
          return tf.losses.softmaxCrossEntropy(truth, output);
        }, variables);
        optimizer.applyGradients(grads as { [name: string]: tf.Variable });
        const values = output?.dataSync<'float32'>() ?? new Float32Array();
        output?.dispose();
        return sparseCrossEntropy(values, labels, classes);
      }),
    predict: (pixels: Float32Array, count: number): Float32Array =>
      scoped(() => {
        const output = logits(network, parameters, photosOf(pixels, count), null, maxPool);
        return probabilities(output.dataSync<'float32'>(), classes);
      }),
    weights: () =>
      weights.map((weight, i) => ({ ...weight, values: Float32Array.from(variables[i]?.dataSync() ?? []) })),
    dispose: () => {
      optimizer.dispose();
      for (const variable of variables) variable.dispose();
    },
  };
}

/** Frees every tensor that `work` makes and does not keep, also when it throws. */
function scoped<T>(work: () => T): T {
  tf.engine().startScope();
  try {
    return work();
  } finally {
    tf.engine().endScope();
  }
}

function variableOf(weight: Weight): tf.Variable {
  const first = tf.tensor(weight.values.slice(), [...weight.shape], 'float32');
  const variable = tf.variable(first, true);
  first.dispose();
  return variable;
}

function byLayer(weights: readonly Weight[], variables: readonly tf.Variable[]): ReadonlyMap<string, LayerParameters> {
  const grouped = new Map<string, { kernel?: tf.Tensor; bias?: tf.Tensor }>();
  weights.forEach((weight, i) => {
    const variable = variables[i];
    if (variable !== undefined) grouped.set(weight.layer, { ...grouped.get(weight.layer), [weight.name]: variable });
  });
  const whole = new Map<string, LayerParameters>();
  for (const [layer, { kernel, bias }] of grouped) {
    if (kernel !== undefined && bias !== undefined) whole.set(layer, { kernel, bias });
  }
  return whole;
}

function oneHot(labels: Int32Array, classes: number): Float32Array {
  const out = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    out[i * classes + label] = 1;
  });
  return out;
}
