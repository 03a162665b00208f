// What the compiler knows of each operation that it takes, as data. int8 rules: TFLite's quantization specification
// (quantization_spec.md), operator_property.cc and the kernels themselves.
import type { BuiltinName } from '@atoll/tflite/ops';

/**
 * How the output of an int8 operation gets its scale: `free` from calibration, `same` as its data input (both must be equal),
 * `join` like `same` with several inputs, which take the output's, `index` for an int32 output without scale, or a fixed scale
 * and zero point.
 */
export type OutputRule = 'free' | 'same' | 'join' | 'index' | { readonly scale: number; readonly zeroPoint: number };

/** Which inputs are weights and bias, and along which axis of the weights each output channel has a scale of its own. */
export interface WeightRule {
  readonly weights: number;
  readonly bias: number;
  /** Null for a single scale. */
  readonly perChannel: number | null;
}

/** One supported operation. */
export interface OpRow {
  /** Number of inputs: least and most. */
  readonly arity: readonly [least: number, most: number];
  /** Most outputs; there is always one. */
  readonly outputs: number;
  /** The input whose values flow through the operation. */
  readonly data: number;
  /** Inputs that are int32 operands (shapes, axes, margins), not values. */
  readonly integers: readonly number[];
  readonly weights?: WeightRule;
  /** Null: there is no int8 kernel; `instead` says what to do. */
  readonly int8: OutputRule | null;
  readonly instead: string;
  /** It is only there to be computed, or spelled in others, before the model is written: shapes, indices, what is made of constants. */
  readonly foldable: boolean;
  /** A following RELU, RELU6 or RELU_N1_TO_1 may be fused into it. */
  readonly fuses: boolean;
}

const plain: OpRow = {
  arity: [1, 1],
  outputs: 1,
  data: 0,
  integers: [],
  int8: 'free',
  instead: '',
  foldable: false,
  fuses: false,
};
const binary: OpRow = { ...plain, arity: [2, 2] };
/** The second input is an int32 operand. */
const guided: OpRow = { ...plain, arity: [2, 2], integers: [1], int8: 'same' };
const kept: OpRow = { ...plain, int8: 'same' };
const folded: OpRow = { ...plain, int8: null, foldable: true, instead: 'compute it outside the model' };
const weighted = (weights: WeightRule): OpRow => ({ ...plain, arity: [2, 3], weights, fuses: true });
const fixed = (scale: number, zeroPoint: number): OpRow => ({ ...plain, int8: { scale, zeroPoint } });
/** Where a model leaves or enters 8 bits; the quantizer puts them there itself. */
const border: OpRow = { ...plain, int8: null, instead: 'give the float model, not one that is quantized already' };
/** Most values that one operation joins or gives. */
const many = 64;

/** The supported operations. Dense weights have a single scale: one per row is silently misread by runtimes before TFLite 2.13. */
export const opTable: Readonly<Partial<Record<BuiltinName, OpRow>>> = {
  CONV_2D: weighted({ weights: 1, bias: 2, perChannel: 0 }),
  DEPTHWISE_CONV_2D: weighted({ weights: 1, bias: 2, perChannel: 3 }),
  FULLY_CONNECTED: weighted({ weights: 1, bias: 2, perChannel: null }),
  // A fused activation makes it version 4, which no runtime before TFLite 2.13 has.
  TRANSPOSE_CONV: {
    ...weighted({ weights: 1, bias: 3, perChannel: 0 }),
    arity: [3, 4],
    data: 2,
    integers: [0],
    fuses: false,
  },
  ADD: { ...binary, fuses: true },
  SUB: { ...binary, fuses: true },
  MUL: { ...binary, fuses: true },
  DIV: { ...binary, fuses: true, int8: null, instead: 'multiply by the reciprocal instead' },
  SQUARED_DIFFERENCE: binary,
  MAXIMUM: { ...binary, int8: 'join' },
  MINIMUM: { ...binary, int8: 'join' },
  CONCATENATION: { ...plain, arity: [1, many], int8: 'join' },
  PACK: { ...plain, arity: [1, many], int8: 'join' },
  MAX_POOL_2D: kept,
  AVERAGE_POOL_2D: kept,
  MEAN: { ...guided, int8: 'free' },
  SUM: { ...guided, int8: 'free' },
  REDUCE_MAX: guided,
  REDUCE_MIN: guided,
  RESHAPE: { ...guided, arity: [1, 2] },
  SQUEEZE: kept,
  EXPAND_DIMS: guided,
  PAD: guided,
  PADV2: { ...plain, arity: [3, 3], integers: [1], int8: 'same' },
  MIRROR_PAD: guided,
  TRANSPOSE: guided,
  SLICE: { ...guided, arity: [3, 3], integers: [1, 2] },
  STRIDED_SLICE: { ...guided, arity: [4, 4], integers: [1, 2, 3] },
  SPLIT: { ...guided, data: 1, integers: [0], outputs: many },
  SPLIT_V: { ...guided, arity: [3, 3], integers: [1, 2], outputs: many },
  UNPACK: { ...kept, outputs: many },
  GATHER: guided,
  TILE: guided,
  // Left by converters around convolutions with holes.
  SPACE_TO_BATCH_ND: { ...guided, arity: [3, 3], integers: [1, 2] },
  BATCH_TO_SPACE_ND: { ...guided, arity: [3, 3], integers: [1, 2] },
  SPACE_TO_DEPTH: kept,
  DEPTH_TO_SPACE: kept,
  RESIZE_BILINEAR: guided,
  RESIZE_NEAREST_NEIGHBOR: guided,
  RELU: plain,
  RELU6: plain,
  RELU_N1_TO_1: plain,
  LEAKY_RELU: plain,
  PRELU: binary,
  ELU: plain,
  GELU: plain,
  HARD_SWISH: plain,
  RSQRT: plain,
  ABS: plain,
  // Its int8 kernel is of TFLite 2.12.
  EXP: plain,
  LOGISTIC: fixed(1 / 256, -128),
  SOFTMAX: fixed(1 / 256, -128),
  TANH: fixed(1 / 128, 0),
  L2_NORMALIZATION: fixed(1 / 128, 0),
  LOG_SOFTMAX: fixed(16 / 256, 127),
  ARG_MAX: { ...guided, int8: 'index' },
  ARG_MIN: { ...guided, int8: 'index' },
  QUANTIZE: border,
  DEQUANTIZE: border,
  SHAPE: folded,
  CAST: folded,
  RANGE: { ...folded, arity: [3, 3], integers: [0, 1, 2] },
  FILL: { ...folded, arity: [2, 2], integers: [0] },
  FLOOR_DIV: { ...folded, arity: [2, 2] },
  FLOOR_MOD: { ...folded, arity: [2, 2] },
  REDUCE_PROD: { ...folded, arity: [2, 2], integers: [1] },
  NEG: folded,
  SQRT: folded,
  SQUARE: folded,
  POW: { ...folded, arity: [2, 2] },
};

/** Names of the operations that the compiler takes. */
export const supportedOps: readonly BuiltinName[] = Object.keys(opTable) as BuiltinName[];
