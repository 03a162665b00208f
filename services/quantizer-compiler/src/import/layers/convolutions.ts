// Convolutions. Keras keeps kernels as [height, width, in, out], TFLite as [out, height, width, in], depthwise ones as
// [1, height, width, in * multiplier]. Convolutions along one axis are done along the width of a picture of height 1.
import { paddings } from '@atoll/tflite/enums';
import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';
import { activation, notFused } from './activations.js';
import { expectRank } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

/** How a window moves. */
interface Window {
  readonly padding: number;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

function windowOf(layer: LayerSettings): Window {
  return {
    padding: samePadding(layer),
    strides: layer.pair('strides', [1, 1]),
    dilations: layer.pair('dilation_rate', [1, 1]),
  };
}

/** The padding of a layer that slides a window. */
export function samePadding(layer: LayerSettings): number {
  return paddings[layer.word('padding', 'valid', ['valid', 'same']) === 'same' ? 'SAME' : 'VALID'];
}

/** [..., channels] to [channels, ...]: [height, width, in, out] to [out, height, width, in], and [in, out] to [out, in]. */
export function channelsFirst(data: Float32Array, channels: number): Float32Array {
  const inner = data.length / channels;
  const moved = new Float32Array(data.length);
  // Block by block: a column at a time would touch a new cache line with every element.
  const block = 32;
  for (let from = 0; from < inner; from += block) {
    const to = Math.min(from + block, inner);
    for (let first = 0; first < channels; first += block) {
      const last = Math.min(first + block, channels);
      for (let at = from; at < to; at++) {
        for (let channel = first; channel < last; channel++) {
          moved[channel * inner + at] = data[at * channels + channel] as number;
        }
      }
    }
  }
  return moved;
}

const conv2d: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  expectRank(4, shape, layer);
  const [height = 1, width = 1, depth = 1, filters = 1] = layer.weightShape('kernel');
  const groups = layer.size('groups', 1);
  checkChannels(layer, shape, depth * groups);
  const kernelData = (): Float32Array => layer.weight('kernel', [null, null, null, null]).data;
  const bias = (): Float32Array => layer.bias(filters);
  if (groups === 1) {
    const kernel = ops.floats('kernel', [filters, height, width, depth], () => channelsFirst(kernelData(), filters));
    return activation(layer, convolve(input, kernel, ops.floats('bias', [filters], bias), windowOf(layer), ops), ops);
  }
  layer.refuseUnless(
    groups <= 64 && filters % groups === 0,
    `has ${groups} groups for ${filters} filters; up to 64 even ones are supported`,
  );
  const each = filters / groups;
  const axis = ops.ints('axis', [3], []);
  const parts = ops.addMany('SPLIT', [axis, input], { type: 'SplitOptions', numSplits: groups }, 'group');
  const data = channelsFirst(kernelData(), filters);
  const size = (data.length / filters) * each;
  const made = parts.map((part, group) => {
    const own = ops.floats(`kernel_${group}`, [each, height, width, depth], () =>
      data.slice(group * size, (group + 1) * size),
    );
    const ownBias = ops.floats(`bias_${group}`, [each], () => bias().slice(group * each, (group + 1) * each));
    return convolve(part, own, ownBias, windowOf(layer), ops);
  });
  const joined = ops.add('CONCATENATION', made, { type: 'ConcatenationOptions', axis: 3, activation: notFused });
  return activation(layer, joined, ops);
};

function convolve(input: number, kernel: number, bias: number, window: Window, ops: LayerOps): number {
  const { padding, strides, dilations } = window;
  return ops.add(
    'CONV_2D',
    [input, kernel, bias],
    {
      type: 'Conv2DOptions',
      padding,
      strideH: strides[0],
      strideW: strides[1],
      dilationH: dilations[0],
      dilationW: dilations[1],
      activation: notFused,
      quantizedBiasType: 0,
    },
    'linear',
  );
}

const depthwiseConv2d: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  expectRank(4, shape, layer);
  const [, , depth = 1, multiplier = 1] = layer.weightShape('depthwise_kernel');
  checkChannels(layer, shape, depth);
  const bias = ops.floats('bias', [depth * multiplier], () => layer.bias(depth * multiplier));
  return activation(layer, depthwise(layer, input, bias, ops), ops);
};

function depthwise(layer: LayerSettings, input: number, bias: number, ops: LayerOps): number {
  const [height = 1, width = 1, depth = 1, multiplier = 1] = layer.weightShape('depthwise_kernel');
  const kernel = ops.floats('depthwise_kernel', [1, height, width, depth * multiplier], () => {
    return layer.weight('depthwise_kernel', [null, null, null, null]).data;
  });
  const { padding, strides, dilations } = windowOf(layer);
  return ops.add(
    'DEPTHWISE_CONV_2D',
    [input, kernel, bias],
    {
      type: 'DepthwiseConv2DOptions',
      padding,
      strideH: strides[0],
      strideW: strides[1],
      depthMultiplier: multiplier,
      activation: notFused,
      dilationH: dilations[0],
      dilationW: dilations[1],
    },
    'linear',
  );
}

const separableConv2d: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  expectRank(4, shape, layer);
  const [, , depth = 1, multiplier = 1] = layer.weightShape('depthwise_kernel');
  const [, , , filters = 1] = layer.weightShape('pointwise_kernel');
  checkChannels(layer, shape, depth);
  const none = ops.floats('depthwise_bias', [depth * multiplier], () => new Float32Array(depth * multiplier));
  const filtered = depthwise(layer, input, none, ops);
  const pointwise = ops.floats('pointwise_kernel', [filters, 1, 1, depth * multiplier], () => {
    return channelsFirst(layer.weight('pointwise_kernel', [1, 1, depth * multiplier, filters]).data, filters);
  });
  const bias = ops.floats('bias', [filters], () => layer.bias(filters));
  const still: Window = { padding: paddings.VALID, strides: [1, 1], dilations: [1, 1] };
  return activation(layer, convolve(filtered, pointwise, bias, still, ops), ops);
};

/** The kernel is [height, width, out, in]; the output size is Keras' deconv_output_length without output_padding. */
const conv2dTranspose: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  expectRank(4, shape, layer);
  const [height = 1, width = 1, filters = 1, depth = 1] = layer.weightShape('kernel');
  checkChannels(layer, shape, depth);
  const { padding, strides, dilations } = windowOf(layer);
  layer.refuseUnless(
    layer.setting('output_padding') === undefined,
    'has output_padding; padding same or valid alone is supported',
  );
  layer.refuseUnless(Math.max(...dilations) === 1, `has dilation_rate ${dilations.join(', ')}; 1 is supported`);
  const [, inHeight = 1, inWidth = 1] = shape;
  const grown = (size: number, stride: number, kernel: number): number =>
    size * stride + (padding === paddings.SAME ? 0 : Math.max(kernel - stride, 0));
  const size = [1, grown(inHeight, strides[0], height), grown(inWidth, strides[1], width), filters];
  layer.refuseUnless(
    size.every((one) => one < 2 ** 31),
    `makes a tensor of shape [${size.join(', ')}]`,
  );
  const kernel = ops.floats('kernel', [filters, height, width, depth], () => {
    return outFirst(layer.weight('kernel', [null, null, null, null]).data, height * width, filters, depth);
  });
  const bias = layer.setting('use_bias') === false ? [] : [ops.floats('bias', [filters], () => layer.bias(filters))];
  const output = ops.add(
    'TRANSPOSE_CONV',
    [ops.ints('shape', size), kernel, input, ...bias],
    {
      type: 'TransposeConvOptions',
      padding,
      strideH: strides[0],
      strideW: strides[1],
      activation: notFused,
      quantizedBiasType: 0,
    },
    'linear',
  );
  return activation(layer, output, ops);
};

/** [positions, out, in] to [out, positions, in]. */
function outFirst(data: Float32Array, positions: number, filters: number, depth: number): Float32Array {
  const moved = new Float32Array(data.length);
  for (let position = 0; position < positions; position++) {
    for (let filter = 0; filter < filters; filter++) {
      const from = (position * filters + filter) * depth;
      moved.set(data.subarray(from, from + depth), (filter * positions + position) * depth);
    }
  }
  return moved;
}

/** [1, steps, channels] as a picture of height 1, and back. Causal padding comes before the first step. */
const conv1d: LayerImporter = (layer, [input], ops) => {
  const shape = ops.shape(input);
  expectRank(3, shape, layer);
  const [, steps = 1, channels = 1] = shape;
  const [width = 1, depth = 1, filters = 1] = layer.weightShape('kernel');
  const [stride, dilation] = [layer.single('strides', 1), layer.single('dilation_rate', 1)];
  checkChannels(layer, shape, depth);
  layer.refuseUnless(layer.size('groups', 1) === 1, 'has groups; Conv2D may have them');
  const padding = layer.word('padding', 'valid', ['valid', 'same', 'causal']);
  let picture = ops.reshape(input, [1, 1, steps, channels], 'picture');
  if (padding === 'causal') {
    const margins = ops.ints('margins', [0, 0, 0, 0, (width - 1) * dilation, 0, 0, 0], [4, 2]);
    picture = ops.add('PAD', [picture, margins], { type: 'PadOptions' });
  }
  const kernel = ops.floats('kernel', [filters, 1, width, depth], () => {
    return channelsFirst(layer.weight('kernel', [null, null, null]).data, filters);
  });
  const window: Window = {
    padding: padding === 'same' ? paddings.SAME : paddings.VALID,
    strides: [stride, stride],
    dilations: [1, dilation],
  };
  const bias = ops.floats('bias', [filters], () => layer.bias(filters));
  const output = convolve(picture, kernel, bias, window, ops);
  const [, , length = 1] = ops.shape(output);
  return activation(layer, ops.reshape(output, [1, length, filters], 'sequence'), ops);
};

function checkChannels(layer: LayerSettings, shape: readonly number[], channels: number): void {
  if (shape.at(-1) === channels) return;
  throw layer.fault(`has ${channels} input channels after a value of shape [${shape.join(', ')}]`);
}

/** Convolutions of pictures and sequences. */
export const convolutionLayers: ImporterTable = {
  Conv1D: conv1d,
  Conv2D: conv2d,
  DepthwiseConv2D: depthwiseConv2d,
  SeparableConv2D: separableConv2d,
  Conv2DTranspose: conv2dTranspose,
};
