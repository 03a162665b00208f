// Output shapes of operations, from their inputs and options: the shape functions of TFLite's kernels, by family in shapes/.
import type { BuiltinName } from '@atoll/tflite/ops';
import type { Value } from './graph.js';
import { filled, ranged, shapeOf } from './shapes/computed.js';
import { indexOfBest, prelu, reduced, sameShape, stretched } from './shapes/elementwise.js';
import { concatenated, gathered, packed, split, splitBySizes, unpacked } from './shapes/joins.js';
import {
  batchToSpace,
  depthToSpace,
  expanded,
  padded,
  reshaped,
  resized,
  spaceToBatch,
  spaceToDepth,
  squeezed,
  tiled,
  transposed,
} from './shapes/layout.js';
import type { Shape, ShapedOp, ShapeRule } from './shapes/shape-rule.js';
import { shapeFault } from './shapes/shape-rule.js';
import { sliced, stridedSliced } from './shapes/slices.js';
import { conv2d, depthwiseConv2d, fullyConnected, pool2d, transposeConv } from './shapes/windows.js';

/**
 * The shapes that an operation must make, one an output, or null where they follow from an operand that is not constant yet.
 * INVALID_ARGUMENT where options, operands and input shapes do not fit each other. A window larger than its input gives a size
 * below 1, which no value may have.
 */
export function outputShapes(op: ShapedOp, inputs: readonly Value[]): readonly Shape[] | null {
  const rule = shapeRules[op.kind];
  if (rule === undefined) throw shapeFault(op, 'it is not an operation of this compiler');
  return rule(op, inputs);
}

/** The shape of the only output; see outputShapes. */
export function outputShape(op: ShapedOp, inputs: readonly Value[]): Shape | null {
  return outputShapes(op, inputs)?.[0] ?? null;
}

const shapeRules: Readonly<Partial<Record<BuiltinName, ShapeRule>>> = {
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  TRANSPOSE_CONV: transposeConv,
  FULLY_CONNECTED: fullyConnected,
  MAX_POOL_2D: pool2d,
  AVERAGE_POOL_2D: pool2d,
  ADD: stretched,
  SUB: stretched,
  MUL: stretched,
  DIV: stretched,
  SQUARED_DIFFERENCE: stretched,
  MAXIMUM: stretched,
  MINIMUM: stretched,
  FLOOR_DIV: stretched,
  FLOOR_MOD: stretched,
  POW: stretched,
  PRELU: prelu,
  MEAN: reduced,
  SUM: reduced,
  REDUCE_MAX: reduced,
  REDUCE_MIN: reduced,
  REDUCE_PROD: reduced,
  ARG_MAX: indexOfBest,
  ARG_MIN: indexOfBest,
  CONCATENATION: concatenated,
  PACK: packed,
  UNPACK: unpacked,
  SPLIT: split,
  SPLIT_V: splitBySizes,
  GATHER: gathered,
  RESHAPE: reshaped,
  SQUEEZE: squeezed,
  EXPAND_DIMS: expanded,
  TRANSPOSE: transposed,
  PAD: padded,
  PADV2: padded,
  MIRROR_PAD: padded,
  TILE: tiled,
  SPACE_TO_BATCH_ND: spaceToBatch,
  BATCH_TO_SPACE_ND: batchToSpace,
  SPACE_TO_DEPTH: spaceToDepth,
  DEPTH_TO_SPACE: depthToSpace,
  RESIZE_BILINEAR: resized,
  RESIZE_NEAREST_NEIGHBOR: resized,
  SLICE: sliced,
  STRIDED_SLICE: stridedSliced,
  SHAPE: shapeOf,
  FILL: filled,
  RANGE: ranged,
  RELU: sameShape,
  RELU6: sameShape,
  RELU_N1_TO_1: sameShape,
  LEAKY_RELU: sameShape,
  ELU: sameShape,
  GELU: sameShape,
  HARD_SWISH: sameShape,
  RSQRT: sameShape,
  SQRT: sameShape,
  EXP: sameShape,
  ABS: sameShape,
  NEG: sameShape,
  SQUARE: sameShape,
  LOGISTIC: sameShape,
  SOFTMAX: sameShape,
  TANH: sameShape,
  L2_NORMALIZATION: sameShape,
  LOG_SOFTMAX: sameShape,
  QUANTIZE: sameShape,
  DEQUANTIZE: sameShape,
  CAST: sameShape,
};
