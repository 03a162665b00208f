// The weights of each layer class, in the order in which Keras keeps them: `.keras` files number them, `.h5` files of renamed
// layers can be read only by their order. Source: add_weight calls in the build methods of Keras 2.15 and 3.
import type { KerasLayer } from './keras-model.js';
import type { JsonObject } from './topology-json.js';
import { record } from './topology-json.js';

/** A weight of a layer; training does not touch the ones that are not trainable. */
export interface WeightName {
  readonly name: string;
  readonly trainable: boolean;
}

/** The weights that a layer keeps, in Keras' order; none for a class without weights or one that is not known. */
export function weightNames({ className, config }: KerasLayer): readonly WeightName[] {
  const names = (trainable: readonly string[], fixed: readonly string[] = []): readonly WeightName[] => [
    ...trainable.map((name) => ({ name, trainable: true })),
    ...fixed.map((name) => ({ name, trainable: false })),
  ];
  const bias = config['use_bias'] === false ? [] : ['bias'];
  switch (className) {
    case 'Conv1D':
    case 'Conv2D':
    case 'Conv1DTranspose':
    case 'Conv2DTranspose':
    case 'Dense':
      return names(['kernel', ...bias]);
    case 'DepthwiseConv1D':
    case 'DepthwiseConv2D':
      return names(['depthwise_kernel', ...bias]);
    case 'SeparableConv1D':
    case 'SeparableConv2D':
      return names(['depthwise_kernel', 'pointwise_kernel', ...bias]);
    case 'BatchNormalization':
      return names(
        [...(config['scale'] === false ? [] : ['gamma']), ...(config['center'] === false ? [] : ['beta'])],
        ['moving_mean', 'moving_variance'],
      );
    case 'PReLU':
      return names(['alpha']);
    case 'Normalization':
      return config['mean'] === undefined || config['mean'] === null ? names([], ['mean', 'variance', 'count']) : [];
    case 'LSTM':
    case 'GRU':
    case 'SimpleRNN':
      return names(['kernel', 'recurrent_kernel', ...bias]);
    case 'Bidirectional': {
      const inner = rnnConfig(config);
      const one =
        inner === null ? [] : ['kernel', 'recurrent_kernel', ...(inner['use_bias'] === false ? [] : ['bias'])];
      return names([...one.map((name) => `forward/${name}`), ...one.map((name) => `backward/${name}`)]);
    }
    default:
      return [];
  }
}

/** Settings of the recurrent layer inside a Bidirectional one. */
function rnnConfig(config: JsonObject): JsonObject | null {
  return record(record(config['layer'])?.['config']) ?? null;
}

/** Names that files give to a weight, the most usual first. */
export function storedNames(name: string): readonly string[] {
  const short = name.split('/').at(-1) ?? name;
  return short === 'depthwise_kernel' ? [short, 'kernel'] : [short];
}

/** All layers that keep weights of their own, in order, those of nested models in place of the model. */
export function leafLayers(layers: readonly KerasLayer[]): readonly KerasLayer[] {
  return layers.flatMap((layer) => (layer.nested === null ? [layer] : leafLayers(layer.nested.layers)));
}

/** Whether training changes the layer; a frozen one keeps its weights in another place of the order. */
export function isTrainable(layer: KerasLayer): boolean {
  return layer.config['trainable'] !== false;
}
