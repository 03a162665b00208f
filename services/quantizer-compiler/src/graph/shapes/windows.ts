// Convolutions, pools and dense layers. Source: padding.h, conv.cc, depthwise_conv.cc, transpose_conv.cc, pooling.cc and
// fully_connected.cc of TFLite's kernels.
import { paddings } from '@atoll/tflite/enums';
import { elementCount } from '../graph.js';
import { fourDimensions, inputAt, integersAt, optionsOf, positive, shapeFault } from './shape-rule.js';
import type { ShapedOp, ShapeRule } from './shape-rule.js';

/** CONV_2D: weights [out, height, width, in / groups]. */
export const conv2d: ShapeRule = (op, inputs) => {
  const options = optionsOf(op, 'Conv2DOptions');
  const input = inputAt(op, inputs, 0);
  const [batch, height, width, channels] = fourDimensions(op, input);
  const [out, kernelHeight, kernelWidth, depth] = fourDimensions(op, inputAt(op, inputs, 1));
  if (channels % depth !== 0 || out % (channels / depth) !== 0) {
    throw shapeFault(op, `${out} filters of ${depth} channels do not fit the ${channels} of ${input.name}`);
  }
  return [
    [
      batch,
      slide(op, height, kernelHeight, options.strideH, options.dilationH, options.padding),
      slide(op, width, kernelWidth, options.strideW, options.dilationW, options.padding),
      out,
    ],
  ];
};

/** DEPTHWISE_CONV_2D: weights [1, height, width, in * multiplier]. */
export const depthwiseConv2d: ShapeRule = (op, inputs) => {
  const options = optionsOf(op, 'DepthwiseConv2DOptions');
  const input = inputAt(op, inputs, 0);
  const [batch, height, width, channels] = fourDimensions(op, input);
  const [first, kernelHeight, kernelWidth, out] = fourDimensions(op, inputAt(op, inputs, 1));
  if (first !== 1 || out % channels !== 0) {
    throw shapeFault(op, `weights for ${out} channels do not fit the ${channels} of ${input.name}`);
  }
  return [
    [
      batch,
      slide(op, height, kernelHeight, options.strideH, options.dilationH, options.padding),
      slide(op, width, kernelWidth, options.strideW, options.dilationW, options.padding),
      out,
    ],
  ];
};

/** TRANSPOSE_CONV: its first operand is the output shape, and the input must have the size that a convolution of it would give. */
export const transposeConv: ShapeRule = (op, inputs) => {
  const options = optionsOf(op, 'TransposeConvOptions');
  const [out, kernelHeight, kernelWidth, depth] = fourDimensions(op, inputAt(op, inputs, 1));
  const input = inputAt(op, inputs, 2);
  const [batch, height, width, channels] = fourDimensions(op, input);
  const shape = integersAt(op, inputs, 0);
  if (shape === null) return null;
  const [outBatch = 0, outHeight = 0, outWidth = 0, outChannels = 0] = shape;
  const back = [
    slide(op, outHeight, kernelHeight, options.strideH, 1, options.padding),
    slide(op, outWidth, kernelWidth, options.strideW, 1, options.padding),
  ];
  const fits = outBatch === batch && outChannels === out && depth === channels;
  if (shape.length !== 4 || !fits || back[0] !== height || back[1] !== width) {
    throw shapeFault(op, `the output [${shape.join(', ')}] does not fit ${input.name} [${input.shape.join(', ')}]`);
  }
  return [shape];
};

/** MAX_POOL_2D and AVERAGE_POOL_2D. */
export const pool2d: ShapeRule = (op, inputs) => {
  const options = optionsOf(op, 'Pool2DOptions');
  const [batch, height, width, channels] = fourDimensions(op, inputAt(op, inputs, 0));
  return [
    [
      batch,
      slide(op, height, options.filterHeight, options.strideH, 1, options.padding),
      slide(op, width, options.filterWidth, options.strideW, 1, options.padding),
      channels,
    ],
  ];
};

/** FULLY_CONNECTED: weights [out, in]; the input is read as rows of `in` elements. */
export const fullyConnected: ShapeRule = (op, inputs) => {
  const options = optionsOf(op, 'FullyConnectedOptions');
  const input = inputAt(op, inputs, 0);
  const [out = 0, depth = 0] = inputAt(op, inputs, 1).shape;
  const rows = elementCount(input.shape) / positive(op, 'input size', depth);
  if (inputAt(op, inputs, 1).shape.length !== 2 || !Number.isInteger(rows)) {
    throw shapeFault(op, `rows of ${depth} do not fit ${input.name} [${input.shape.join(', ')}]`);
  }
  if (!options.keepNumDims) return [[rows, out]];
  if (input.shape.at(-1) !== depth) throw shapeFault(op, `rows of ${depth} do not fit ${input.name}`);
  return [[...input.shape.slice(0, -1), out]];
};

/** Positions of a window moved by `stride` over `size`; below 1 where the window is larger. */
function slide(op: ShapedOp, size: number, kernel: number, stride: number, dilation: number, padding: number): number {
  const step = positive(op, 'stride', stride);
  const reach = (positive(op, 'window', kernel) - 1) * positive(op, 'dilation', dilation) + 1;
  return padding === paddings.SAME ? Math.ceil(size / step) : Math.floor((size - reach) / step) + 1;
}
