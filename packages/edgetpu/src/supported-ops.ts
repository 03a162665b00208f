// The operators that the Edge TPU has, as data.
// Sources: coral.ai/docs/edgetpu/models-intro, table of supported operations; CHANGES.md of google-coral/edgetpu.
import type { BuiltinName } from '@atoll/tflite/ops';

/** What is known of one operator. */
export interface SupportedOp {
  /** The newest version that compiler 16 is known or expected to take: those of its age, TensorFlow 2.5. */
  readonly newestVersion: number;
  /** The oldest Edge TPU runtime that has it by the vendor's table; 10 is the oldest of all. */
  readonly runtime: number;
}

/** The operators that can map. TILE is not in the vendor's table, but was found inside a compiled DeepLab. */
export const supportedOps: Readonly<Partial<Record<BuiltinName, SupportedOp>>> = {
  ADD: { newestVersion: 2, runtime: 10 },
  AVERAGE_POOL_2D: { newestVersion: 2, runtime: 10 },
  CONCATENATION: { newestVersion: 2, runtime: 10 },
  CONV_2D: { newestVersion: 3, runtime: 10 },
  DEPTHWISE_CONV_2D: { newestVersion: 3, runtime: 10 },
  EXPAND_DIMS: { newestVersion: 1, runtime: 13 },
  FULLY_CONNECTED: { newestVersion: 4, runtime: 10 },
  L2_NORMALIZATION: { newestVersion: 2, runtime: 10 },
  LOGISTIC: { newestVersion: 2, runtime: 10 },
  MAXIMUM: { newestVersion: 2, runtime: 10 },
  MAX_POOL_2D: { newestVersion: 2, runtime: 10 },
  MEAN: { newestVersion: 2, runtime: 10 },
  MINIMUM: { newestVersion: 2, runtime: 10 },
  MUL: { newestVersion: 3, runtime: 10 },
  PACK: { newestVersion: 2, runtime: 13 },
  PAD: { newestVersion: 2, runtime: 10 },
  PRELU: { newestVersion: 1, runtime: 13 },
  QUANTIZE: { newestVersion: 2, runtime: 13 },
  REDUCE_MAX: { newestVersion: 2, runtime: 14 },
  REDUCE_MIN: { newestVersion: 2, runtime: 14 },
  RELU: { newestVersion: 2, runtime: 10 },
  RELU6: { newestVersion: 2, runtime: 10 },
  RELU_N1_TO_1: { newestVersion: 1, runtime: 10 },
  RESHAPE: { newestVersion: 1, runtime: 10 },
  RESIZE_BILINEAR: { newestVersion: 3, runtime: 10 },
  RESIZE_NEAREST_NEIGHBOR: { newestVersion: 2, runtime: 10 },
  RSQRT: { newestVersion: 2, runtime: 14 },
  SLICE: { newestVersion: 2, runtime: 10 },
  SOFTMAX: { newestVersion: 2, runtime: 10 },
  SPACE_TO_DEPTH: { newestVersion: 2, runtime: 10 },
  SPLIT: { newestVersion: 2, runtime: 10 },
  SQUARED_DIFFERENCE: { newestVersion: 2, runtime: 14 },
  SQUEEZE: { newestVersion: 1, runtime: 10 },
  STRIDED_SLICE: { newestVersion: 2, runtime: 10 },
  SUB: { newestVersion: 2, runtime: 10 },
  SUM: { newestVersion: 2, runtime: 13 },
  TANH: { newestVersion: 2, runtime: 10 },
  TILE: { newestVersion: 3, runtime: 10 },
  TRANSPOSE: { newestVersion: 2, runtime: 14 },
  TRANSPOSE_CONV: { newestVersion: 3, runtime: 13 },
  UNIDIRECTIONAL_SEQUENCE_LSTM: { newestVersion: 1, runtime: 14 },
};

/** The row of an operator by the name that a model gives it, or undefined. */
export function supportedOp(name: string): SupportedOp | undefined {
  return Object.hasOwn(supportedOps, name) ? supportedOps[name as BuiltinName] : undefined;
}

/** Versions above these were refused in published logs of compilers 14 to 16; above other rows of the table none was seen. */
export const refusedAbove: Readonly<Partial<Record<BuiltinName, number>>> = {
  FULLY_CONNECTED: 4,
  QUANTIZE: 2,
  RESIZE_NEAREST_NEIGHBOR: 2,
};

/** What can stand in the place of an operator that the Edge TPU does not have. */
export const replacements: Readonly<Partial<Record<BuiltinName, string>>> = {
  ABS: 'MAXIMUM of the value and its negative',
  ARG_MAX: 'nothing, let the application take the greatest',
  BATCH_MATMUL: 'FULLY_CONNECTED with constant weights',
  CAST: 'a uint8 or int8 input',
  CONV_3D: 'CONV_2D',
  DEPTH_TO_SPACE: 'TRANSPOSE_CONV, or RESIZE_NEAREST_NEIGHBOR before the convolution',
  DIV: 'MUL by the reciprocal',
  ELU: 'RELU',
  EXP: 'LOGISTIC or TANH',
  GATHER: 'SLICE or STRIDED_SLICE',
  GATHER_ND: 'SLICE or STRIDED_SLICE',
  GELU: 'RELU',
  HARD_SWISH: 'RELU6',
  LEAKY_RELU: 'RELU, or PRELU with one slope a channel',
  LOG_SOFTMAX: 'SOFTMAX',
  MIRROR_PAD: 'PAD',
  NEG: 'MUL by -1',
  PADV2: 'PAD',
  SPLIT_V: 'STRIDED_SLICE, one for each part',
  SQRT: 'RSQRT and MUL',
  UNPACK: 'SPLIT and RESHAPE',
};
