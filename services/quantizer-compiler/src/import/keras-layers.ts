// Keras layers as operations. Each layer takes the value before it and gives the value after it.
import { activations, paddings } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import { elementCount } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { outputShape } from '../graph/shapes.js';
import { LayerSettings } from './layer-settings.js';
import type { KerasModel } from './keras-model.js';

type Importer = (layer: LayerSettings, input: number, builder: GraphBuilder) => number;

const importers: Readonly<Record<string, Importer>> = {
  InputLayer: (_layer, input) => input,
  Dropout: (_layer, input) => input,
  Conv2D: conv2d,
  MaxPooling2D: (layer, input, builder) => pool('MAX_POOL_2D', layer, input, builder),
  AveragePooling2D: (layer, input, builder) => pool('AVERAGE_POOL_2D', layer, input, builder),
  Flatten: flatten,
  Dense: dense,
  Activation: (layer, input, builder) => activation(layer, input, builder),
  ReLU: relu,
  Softmax: (layer, input, builder) => softmax(layer, input, builder, 'axis'),
  Rescaling: rescaling,
};

/** Layer classes that can be imported. */
const kerasLayerClasses: readonly string[] = Object.keys(importers);

/** The graph of a sequential model, batch size 1. INVALID_ARGUMENT names the layer that cannot be imported, and why. */
export function graphOfKeras(model: KerasModel): Graph {
  const builder = new GraphBuilder();
  const [first] = model.layers;
  if (first === undefined) throw new RangeError('a Keras model has layers');
  const input = builder.activation('input', inputShape(new LayerSettings(model, first)));
  let current = input;
  for (const layer of model.layers) {
    const settings = new LayerSettings(model, layer);
    const importer = Object.hasOwn(importers, layer.className) ? importers[layer.className] : undefined;
    if (importer === undefined) {
      throw settings.fault(`is not supported; these layers are: ${kerasLayerClasses.join(', ')}`);
    }
    if (layer.config['data_format'] === 'channels_first') throw settings.fault('puts channels first; last is needed');
    current = importer(settings, current, builder);
  }
  return builder.build(model.name, [input], [current]);
}

function inputShape(layer: LayerSettings): readonly number[] {
  const { config } = layer.layer;
  const shape = config['batch_input_shape'] ?? config['batch_shape'];
  if (!Array.isArray(shape)) throw layer.fault('does not give the shape of the input');
  const sizes = (shape as unknown[]).slice(1);
  if (!sizes.every((size): size is number => typeof size === 'number' && Number.isInteger(size) && size > 0)) {
    throw layer.fault(`has the input shape ${JSON.stringify(shape)}: every size but the batch must be fixed`);
  }
  return [1, ...sizes];
}

/** Adds an operation with the output shape that follows from its inputs. */
function emit(
  builder: GraphBuilder,
  layer: LayerSettings,
  kind: BuiltinName,
  inputs: readonly number[],
  options: OperatorOptions | null,
  name = layer.layer.name,
): number {
  const values = inputs.map((index) => builder.at(index));
  const shape = outputShape({ kind, options }, values);
  if (shape === null || shape.some((size) => size < 1)) {
    throw layer.fault(`cannot follow an input of shape [${values[0]?.shape.join(', ') ?? ''}]`);
  }
  const output = builder.activation(name, shape);
  builder.op(kind, inputs, [output], options);
  return output;
}

function conv2d(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const { name } = layer.layer;
  const { shape, data } = layer.weight('kernel', 4);
  const [height = 1, width = 1, depth = 1, channels = 1] = shape;
  if (builder.at(input).shape.length !== 4 || builder.at(input).shape[3] !== depth || layer.number('groups', 1) !== 1) {
    throw layer.fault(`has ${depth} input channels after a value of shape [${builder.at(input).shape.join(', ')}]`);
  }
  const [strideH, strideW] = layer.pair('strides', [1, 1]);
  const [dilationH, dilationW] = layer.pair('dilation_rate', [1, 1]);
  const kernel = builder.floats(`${name}/kernel`, [channels, height, width, depth], channelsFirst(data, channels));
  const bias = builder.floats(`${name}/bias`, [channels], layer.bias(channels));
  const output = emit(
    builder,
    layer,
    'CONV_2D',
    [input, kernel, bias],
    {
      type: 'Conv2DOptions',
      padding: paddings[layer.word('padding', 'valid', ['valid', 'same']) === 'same' ? 'SAME' : 'VALID'],
      strideH,
      strideW,
      dilationH,
      dilationW,
      activation: activations.NONE,
      quantizedBiasType: 0,
    },
    nameBeforeActivation(layer),
  );
  return activation(layer, output, builder);
}

/** [..., channels] to [channels, ...]: Keras' HWIO to TFLite's OHWI, and [in, out] to [out, in]. */
function channelsFirst(data: Float32Array, channels: number): Float32Array {
  const inner = data.length / channels;
  const moved = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < inner; at++) moved[channel * inner + at] = data[at * channels + channel] ?? 0;
  }
  return moved;
}

function pool(kind: BuiltinName, layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const [filterHeight, filterWidth] = layer.pair('pool_size', [2, 2]);
  const [strideH, strideW] = layer.pair('strides', [filterHeight, filterWidth]);
  return emit(builder, layer, kind, [input], {
    type: 'Pool2DOptions',
    padding: paddings[layer.word('padding', 'valid', ['valid', 'same']) === 'same' ? 'SAME' : 'VALID'],
    strideH,
    strideW,
    filterHeight,
    filterWidth,
    activation: activations.NONE,
  });
}

function flatten(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  return reshape(layer.layer.name, input, [1, elementCount(builder.at(input).shape)], builder);
}

function reshape(name: string, input: number, shape: readonly number[], builder: GraphBuilder): number {
  const target = builder.ints(`${name}/shape`, [shape.length], shape);
  const output = builder.activation(name, shape);
  builder.op('RESHAPE', [input, target], [output], { type: 'ReshapeOptions', newShape: shape });
  return output;
}

function dense(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const { name } = layer.layer;
  const { shape, data } = layer.weight('kernel', 2);
  const [depth = 1, units = 1] = shape;
  const before = builder.at(input).shape;
  if (before.at(-1) !== depth) {
    throw layer.fault(`takes ${depth} values after a value of shape [${before.join(', ')}]`);
  }
  // FULLY_CONNECTED with more than two dimensions needs a newer operator than the Edge TPU compiler takes.
  const flat =
    before.length === 2 ? input : reshape(`${name}/flat`, input, [elementCount(before) / depth, depth], builder);
  const kernel = builder.floats(`${name}/kernel`, [units, depth], channelsFirst(data, units));
  const bias = builder.floats(`${name}/bias`, [units], layer.bias(units));
  const output = emit(
    builder,
    layer,
    'FULLY_CONNECTED',
    [flat, kernel, bias],
    {
      type: 'FullyConnectedOptions',
      activation: activations.NONE,
      weightsFormat: 0,
      keepNumDims: false,
      asymmetricQuantizeInputs: false,
      quantizedBiasType: 0,
    },
    nameBeforeActivation(layer),
  );
  const shaped =
    before.length === 2 ? output : reshape(`${name}/shaped`, output, [...before.slice(0, -1), units], builder);
  return activation(layer, shaped, builder);
}

/** The layer's name belongs to what it gives in the end. */
function nameBeforeActivation(layer: LayerSettings): string {
  const { name, config } = layer.layer;
  return (config['activation'] ?? 'linear') === 'linear' ? name : `${name}/linear`;
}

function activation(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const word = layer.word('activation', 'linear', ['linear', 'relu', 'relu6', 'softmax', 'sigmoid', 'tanh']);
  switch (word) {
    case 'linear':
      return input;
    case 'softmax':
      return softmax(layer, input, builder, null);
    case 'relu':
      return emit(builder, layer, 'RELU', [input], null);
    case 'relu6':
      return emit(builder, layer, 'RELU6', [input], null);
    case 'sigmoid':
      return emit(builder, layer, 'LOGISTIC', [input], null);
    case 'tanh':
      return emit(builder, layer, 'TANH', [input], null);
  }
}

function relu(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const top = layer.layer.config['max_value'];
  if (layer.number('negative_slope', 0) !== 0 || layer.number('threshold', 0) !== 0) {
    throw layer.fault('has a slope or a threshold; plain ReLU is supported');
  }
  if (top !== undefined && top !== null && top !== 6)
    throw layer.fault(`has max_value ${JSON.stringify(top)}; 6 is supported`);
  return emit(builder, layer, top === 6 ? 'RELU6' : 'RELU', [input], null);
}

function softmax(layer: LayerSettings, input: number, builder: GraphBuilder, axisKey: string | null): number {
  const rank = builder.at(input).shape.length;
  const axis = axisKey === null ? -1 : layer.number(axisKey, -1);
  if (axis !== -1 && axis !== rank - 1) throw layer.fault(`works along axis ${axis}; the last is supported`);
  return emit(builder, layer, 'SOFTMAX', [input], { type: 'SoftmaxOptions', beta: 1 });
}

/** x * scale + offset; the passes fold it into the convolution that follows. */
function rescaling(layer: LayerSettings, input: number, builder: GraphBuilder): number {
  const { name } = layer.layer;
  const scale = builder.floats(`${name}/scale`, [1], Float32Array.of(layer.number('scale', 1)));
  const scaled = emit(builder, layer, 'MUL', [input, scale], { type: 'MulOptions', activation: activations.NONE });
  const offset = layer.number('offset', 0);
  if (offset === 0) return scaled;
  const shift = builder.floats(`${name}/offset`, [1], Float32Array.of(offset));
  return emit(builder, layer, 'ADD', [scaled, shift], {
    type: 'AddOptions',
    activation: activations.NONE,
    potScaleInt16: true,
  });
}
