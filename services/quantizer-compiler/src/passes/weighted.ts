// What passes need to know of an operation with weights: which of its inputs are what, and how its kernel is laid out.
//   CONV_2D, TRANSPOSE_CONV: [out, height, width, in]   FULLY_CONNECTED: [out, in]   DEPTHWISE_CONV_2D: [1, height, width, out]
import { activations, paddings } from '@atoll/tflite/enums';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';

/** An operation with constant float weights and bias. */
export interface Weighted {
  readonly op: Op;
  /** Indices of its input, weights and bias. */
  readonly input: number;
  readonly weights: number;
  readonly bias: number;
  readonly kernel: Float32Array;
  readonly offsets: Float32Array;
  /** Number of output channels, and of input channels: columns of the kernel's last axis, or inputs of a depthwise convolution. */
  readonly outChannels: number;
  readonly inChannels: number;
  readonly depthwise: boolean;
}

/** Describes an operation with weights; null when it is none, or its weights or bias are no float constants. */
export function weightedOf(graph: Graph, op: Op): Weighted | null {
  const row = opTable[op.kind];
  if (row?.weights === undefined) return null;
  const places = [row.data, row.weights.weights, row.weights.bias];
  const [input = -1, weights = -1, bias = -1] = places.map((place) => op.inputs[place] ?? -1);
  const kernel = floatData(graph.values[weights]);
  const offsets = floatData(graph.values[bias]);
  if (kernel === null || offsets === null) return null;
  const { shape } = valueAt(graph, weights);
  const depthwise = op.kind === 'DEPTHWISE_CONV_2D';
  const channels = valueAt(graph, input).shape.at(-1) ?? 1;
  const outChannels = (depthwise ? shape.at(-1) : shape[0]) ?? 1;
  const inChannels = (depthwise ? channels : shape.at(-1)) ?? 1;
  // A grouped convolution reads a part of its input channels for each output.
  if ((op.kind === 'CONV_2D' && inChannels !== channels) || (depthwise && outChannels % inChannels !== 0)) return null;
  if (offsets.length !== outChannels) return null;
  return { op, input, weights, bias, kernel, offsets, outChannels, inChannels, depthwise };
}

/** The fused activation of an operation; NONE where it cannot have one. */
export function fusedActivation({ options }: Op): number {
  return options !== null && 'activation' in options ? options.activation : activations.NONE;
}

/** The kernel with every output channel multiplied by `factor(channel)`. */
export function scaleOutputs(weighted: Weighted, factor: (channel: number) => number): Float32Array {
  const factors = Float64Array.from({ length: weighted.outChannels }, (_, channel) => factor(channel));
  const scaled = new Float32Array(weighted.kernel.length);
  eachWeight(weighted, (weight, out, _channel, at) => (scaled[at] = weight * (factors[out] as number)));
  return scaled;
}

/** The kernel with every input channel multiplied by `factor(channel)`. */
export function scaleInputs(weighted: Weighted, factor: (channel: number) => number): Float32Array {
  const factors = Float64Array.from({ length: weighted.inChannels }, (_, channel) => factor(channel));
  const scaled = new Float32Array(weighted.kernel.length);
  eachWeight(weighted, (weight, _out, channel, at) => (scaled[at] = weight * (factors[channel] as number)));
  return scaled;
}

/** What each output channel gains when `offset(channel)` is added to every input channel, and no padding takes part. */
export function inputOffsetGain(weighted: Weighted, offset: (channel: number) => number): Float64Array {
  const gain = new Float64Array(weighted.outChannels);
  eachWeight(weighted, (weight, out, channel) => (gain[out] = (gain[out] ?? 0) + weight * offset(channel)));
  return gain;
}

/** Greatest magnitude of the weights of each output channel. */
export function outputPeaks(weighted: Weighted): Float64Array {
  const peaks = new Float64Array(weighted.outChannels);
  eachWeight(weighted, (weight, out) => {
    const size = Math.abs(weight);
    if (size > (peaks[out] as number)) peaks[out] = size;
  });
  return peaks;
}

/** Visits every weight with its output channel, its input channel and its place. */
export function eachWeight(
  { kernel, outChannels, inChannels, depthwise }: Weighted,
  visit: (weight: number, out: number, channel: number, at: number) => void,
): void {
  if (depthwise) {
    const multiplier = outChannels / inChannels;
    for (let at = 0, out = 0; at < kernel.length; at++) {
      visit(kernel[at] as number, out, Math.floor(out / multiplier), at);
      if (++out === outChannels) out = 0;
    }
    return;
  }
  const inner = kernel.length / outChannels;
  for (let at = 0, out = 0; out < outChannels; out++) {
    for (const end = at + inner; at < end;) {
      for (let channel = 0; channel < inChannels; channel++, at++) visit(kernel[at] as number, out, channel, at);
    }
  }
}

/** Zeros that a SAME window of `kernel` (dilated size) at `stride` puts before and after `size`. */
export function samePadding(size: number, kernel: number, stride: number): readonly [before: number, after: number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  return [total >> 1, total - (total >> 1)];
}

/** Height and width of the kernel of a convolution with its dilation, and its strides; null for what is no convolution. */
export function windowOf(
  graph: Graph,
  { kind, inputs, options }: Op,
): { readonly size: readonly [number, number]; readonly strides: readonly [number, number] } | null {
  if (options?.type !== 'Conv2DOptions' && options?.type !== 'DepthwiseConv2DOptions') return null;
  if (kind !== 'CONV_2D' && kind !== 'DEPTHWISE_CONV_2D') return null;
  const [, height = 1, width = 1] = valueAt(graph, inputs[1] ?? -1).shape;
  const { dilationH, dilationW, strideH, strideW } = options;
  return {
    size: [(height - 1) * dilationH + 1, (width - 1) * dilationW + 1],
    strides: [strideH, strideW],
  };
}

/** True when no zero is put around the input: an offset of the input then adds the same to every place of the output. */
export function padsNothing(graph: Graph, op: Op): boolean {
  if (op.kind === 'FULLY_CONNECTED') return true;
  const window = windowOf(graph, op);
  if (window === null || op.options === null || !('padding' in op.options)) return false;
  if (op.options.padding === paddings.VALID) return true;
  const [, height = 1, width = 1] = valueAt(graph, op.inputs[0] ?? -1).shape;
  return [height, width].every(
    (size, axis) => samePadding(size, window.size[axis] ?? 1, window.strides[axis] ?? 1)[1] === 0,
  );
}
