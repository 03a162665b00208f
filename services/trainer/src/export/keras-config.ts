/** A network in the words of Keras 2: the `Sequential` description that both model.h5 and layers-model/model.json carry. */
import type { Layer, Network } from '../model/network.js';

/** The version of Keras whose format is written. */
export const kerasVersion = '2.15.0';

/** A JSON object. */
export type JsonObject = { readonly [key: string]: unknown };

/** `{class_name: "Sequential", config}` as Keras's `model.to_json()` has it. */
export function kerasModelConfig(network: Network): JsonObject {
  const { imageSize, name, layers } = network;
  const inputShape = [null, imageSize, imageSize, 3];
  const input = {
    class_name: 'InputLayer',
    config: { batch_input_shape: inputShape, dtype: 'float32', sparse: false, ragged: false, name: 'input_1' },
  };
  return {
    class_name: 'Sequential',
    config: {
      name,
      layers: [input, ...layers.map((layer) => ({ class_name: className(layer), config: config(layer) }))],
    },
  };
}

/** How the model was compiled, so that Keras can go on training it. */
export function kerasTrainingConfig(learningRate: number): JsonObject {
  return {
    loss: 'sparse_categorical_crossentropy',
    metrics: [['accuracy']],
    weighted_metrics: null,
    loss_weights: null,
    optimizer_config: {
      class_name: 'Adam',
      config: {
        name: 'Adam',
        learning_rate: learningRate,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-7,
        amsgrad: false,
        is_legacy_optimizer: false,
      },
    },
  };
}

function className(layer: Layer): string {
  const names = {
    convolution: 'Conv2D',
    'max-pool': 'MaxPooling2D',
    dropout: 'Dropout',
    flatten: 'Flatten',
    dense: 'Dense',
  };
  return names[layer.kind];
}

function config(layer: Layer): JsonObject {
  const base = { name: layer.name, trainable: true, dtype: 'float32' };
  switch (layer.kind) {
    case 'convolution':
      return {
        ...base,
        filters: layer.filters,
        kernel_size: [layer.kernelSize, layer.kernelSize],
        strides: [1, 1],
        padding: 'valid',
        data_format: 'channels_last',
        dilation_rate: [1, 1],
        groups: 1,
        activation: 'relu',
        use_bias: true,
        ...initializers(),
      };
    case 'max-pool':
      return {
        ...base,
        pool_size: [layer.size, layer.size],
        padding: 'valid',
        strides: [layer.size, layer.size],
        data_format: 'channels_last',
      };
    case 'dropout':
      return { ...base, rate: layer.rate, noise_shape: null, seed: null };
    case 'flatten':
      return { ...base, data_format: 'channels_last' };
    case 'dense':
      return { ...base, units: layer.units, activation: layer.activation, use_bias: true, ...initializers() };
  }
}

function initializers(): JsonObject {
  return {
    kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null } },
    bias_initializer: { class_name: 'Zeros', config: {} },
    kernel_regularizer: null,
    bias_regularizer: null,
    activity_regularizer: null,
    kernel_constraint: null,
    bias_constraint: null,
  };
}
