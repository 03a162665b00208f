// The least version of an operator that has what one use of it needs, and the first runtime with that version. A file that asks
// for no more than it needs loads in old runtimes and in the Edge TPU compiler.
// Source: converter/tools/versioning/op_version.cc and runtime_version.cc of LiteRT, for 8-bit, float and hybrid types.
import type { TensorType } from './enums.js';
import type { BuiltinName } from './ops.js';
import type { OperatorOptions } from './schema/options.js';

/** What the version depends on in a tensor: its type, shape and scales (more than one: per channel). */
export interface UsedTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly scales: readonly number[];
}

/** One use of an operator. */
export interface OperatorUse {
  readonly name: BuiltinName;
  readonly inputs: readonly UsedTensor[];
  readonly outputs: readonly UsedTensor[];
  readonly options: OperatorOptions | null;
}

/** The least version of the operator that can be used so. */
export function leastVersion(use: OperatorUse): number {
  const rule = rules[use.name];
  return rule === undefined ? byType(use, versionTwoForInt8.has(use.name) ? 2 : 1) : rule(use);
}

/** The first TensorFlow Lite release with a version of an operator; empty when the table does not have it. */
export function runtimeSince(name: BuiltinName, version: number): string {
  return runtimes[name]?.split(' ')[version - 1] ?? '';
}

/** Whether a release, as "2.14.0", is newer than another. */
export function isNewerRuntime(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

type Rule = (use: OperatorUse) => number;

/** `int8` where the values are int8, else 1. */
function byType({ inputs }: OperatorUse, int8: number): number {
  return inputs[0]?.type === 'int8' ? int8 : 1;
}

const rankOf = ({ inputs }: OperatorUse): number => inputs[0]?.shape.length ?? 0;
const padded: Rule = (use) => (rankOf(use) > 4 ? 4 : byType(use, 2));
const batched: Rule = (use) => (rankOf(use) === 4 ? byType(use, 2) : 3);
const stretched: Rule = (use) => (isStretched(use) ? 3 : byType(use, 2));

/** Operators whose version depends on more than whether the values are int8. */
const rules: Readonly<Partial<Record<BuiltinName, Rule>>> = {
  CONV_2D: (use) => {
    const [input, weights] = use.inputs;
    if (isHybrid(use)) return isPerChannel(weights) ? 5 : 2;
    return input?.shape.at(-1) === weights?.shape.at(-1) ? byType(use, 3) : 6;
  },
  DEPTHWISE_CONV_2D: (use) => {
    const { inputs, options } = use;
    if (isHybrid(use)) return isPerChannel(inputs[1]) ? 6 : 4;
    const dilated = options?.type === 'DepthwiseConv2DOptions' && options.dilationW * options.dilationH !== 1;
    return Math.max(dilated ? 2 : 1, byType(use, 3));
  },
  FULLY_CONNECTED: (use) => {
    const { inputs, options } = use;
    const dense = options?.type === 'FullyConnectedOptions' ? options : null;
    if (isHybrid(use) && isPerChannel(inputs[1])) return 12;
    if (inputs.length === 2) return 6;
    if (dense?.keepNumDims === true) return 5;
    if (!isHybrid(use)) return byType(use, 4);
    return dense?.asymmetricQuantizeInputs === true ? 9 : 3;
  },
  TRANSPOSE_CONV: ({ inputs, options }) => {
    if (options?.type === 'TransposeConvOptions' && options.activation !== 0) return 4;
    if (inputs.length === 4) return 3;
    return inputs[1]?.type === 'int8' ? 2 : 1;
  },
  MUL: (use) => (multiplierAtLeastOne(use) ? 3 : byType(use, 2)),
  GATHER: (use) => (use.options?.type === 'GatherOptions' && use.options.batchDims !== 0 ? 5 : byType(use, 2)),
  TRANSPOSE: (use) => (rankOf(use) > 5 ? 6 : rankOf(use) > 4 ? 4 : byType(use, 2)),
  SLICE: (use) => (rankOf(use) > 4 ? 5 : byType(use, 2)),
  STRIDED_SLICE: (use) => {
    const { options } = use;
    if (options?.type === 'StridedSliceOptions' && options.ellipsisMask + options.newAxisMask !== 0) return 6;
    return rankOf(use) > 4 ? 4 : byType(use, 2);
  },
  SPACE_TO_BATCH_ND: batched,
  BATCH_TO_SPACE_ND: batched,
  PAD: padded,
  PADV2: padded,
  MAXIMUM: stretched,
  MINIMUM: stretched,
  SUB: stretched,
  DIV: (use) => (isStretched(use) ? 2 : 1),
  SPLIT: ({ inputs: [, input] }) => (input?.type === 'int32' ? 3 : input?.type === 'int8' ? 2 : 1),
  UNPACK: (use) => (use.inputs[0]?.type === 'uint8' ? 2 : byType(use, 2)),
  RELU: (use) => (use.inputs[0]?.type === 'uint8' ? 2 : byType(use, 2)),
  TILE: (use) => byType(use, 3),
  RESIZE_BILINEAR: (use) =>
    use.options?.type === 'ResizeBilinearOptions' && use.options.halfPixelCenters ? 3 : byType(use, 2),
  RESIZE_NEAREST_NEIGHBOR: (use) => {
    const { options } = use;
    if (options?.type !== 'ResizeNearestNeighborOptions') return byType(use, 2);
    return options.halfPixelCenters || options.alignCorners ? 3 : byType(use, 2);
  },
  DEQUANTIZE: (use) => {
    if (use.inputs[0]?.type === 'float16') return 3;
    return byType(use, isPerChannel(use.inputs[0]) ? 5 : 2);
  },
  QUANTIZE: ({ outputs }) => (isPerChannel(outputs[0]) ? 3 : 1),
  FLOOR_DIV: ({ inputs }) => (inputs[0]?.type === 'float32' ? 2 : 1),
};

/** Float values with int8 weights. */
function isHybrid({ inputs, outputs }: OperatorUse): boolean {
  return inputs[0]?.type === 'float32' && inputs[1]?.type === 'int8' && outputs[0]?.type === 'float32';
}

function isPerChannel(tensor: UsedTensor | undefined): boolean {
  return (tensor?.scales.length ?? 0) > 1;
}

/** MUL 2 cannot requantize by a factor of 1 or more. */
function multiplierAtLeastOne({ inputs, outputs }: OperatorUse): boolean {
  const [first, second, output] = [inputs[0], inputs[1], outputs[0]].map((tensor) => tensor?.scales[0] ?? 0);
  if (first === undefined || second === undefined || output === undefined || first * second * output === 0)
    return false;
  return Math.fround(Math.fround(first * second) / output) >= 1;
}

/** Inputs of unlike shapes, one of more than four dimensions. */
function isStretched({ inputs }: OperatorUse): boolean {
  const [first, second] = inputs.map(({ shape }) => shape);
  return first?.join() !== second?.join() && Math.max(first?.length ?? 0, second?.length ?? 0) > 4;
}

const versionTwoForInt8: ReadonlySet<BuiltinName> = new Set<BuiltinName>([
  'ABS',
  'ADD',
  'ARG_MAX',
  'ARG_MIN',
  'AVERAGE_POOL_2D',
  'CONCATENATION',
  'DEPTH_TO_SPACE',
  'EXP',
  'GELU',
  'L2_NORMALIZATION',
  'LOGISTIC',
  'LOG_SOFTMAX',
  'MAX_POOL_2D',
  'MEAN',
  'MIRROR_PAD',
  'PACK',
  'REDUCE_MAX',
  'REDUCE_MIN',
  'REDUCE_PROD',
  'RELU6',
  'RSQRT',
  'SOFTMAX',
  'SPACE_TO_DEPTH',
  'SPLIT_V',
  'SQUARED_DIFFERENCE',
  'SUM',
  'TANH',
]);

/** Releases by version, from 1 on. */
const runtimes: Readonly<Partial<Record<BuiltinName, string>>> = {
  ABS: '1.13.0 2.4.0',
  ADD: '1.5.0 1.14.0',
  ARG_MAX: '1.9.0 1.14.0',
  ARG_MIN: '1.9.0 1.14.0',
  AVERAGE_POOL_2D: '1.5.0 1.14.0',
  BATCH_TO_SPACE_ND: '1.6.0 1.14.0 2.3.0',
  CAST: '1.5.0 2.7.0 2.8.0',
  CONCATENATION: '1.5.0 1.14.0',
  CONV_2D: '1.5.0 1.14.0 1.14.0 2.3.0 2.4.0 2.9.0',
  DEPTHWISE_CONV_2D: '1.5.0 1.12.0 1.14.0 2.2.0 2.3.0 2.3.0',
  DEPTH_TO_SPACE: '2.1.0 2.5.0',
  DEQUANTIZE: '1.13.1 1.14.0 1.15.0 2.2.0 2.7.0',
  DIV: '1.6.0 2.3.0',
  ELU: '1.14.0',
  EXP: '1.7.0 2.12.0',
  EXPAND_DIMS: '1.10.0',
  FILL: '1.13.0',
  FLOOR_DIV: '1.14.0 1.14.0',
  FLOOR_MOD: '1.13.0',
  FULLY_CONNECTED: '1.5.0 1.10.0 1.14.0 1.14.0 2.0.0 2.1.0 2.3.0 2.3.0 2.3.0 2.11.0 2.15.0 2.17.0',
  GATHER: '1.6.0 1.14.0 1.15.0 2.4.0 2.5.0',
  GELU: '2.9.0 2.9.0',
  HARD_SWISH: '1.15.0',
  L2_NORMALIZATION: '1.5.0 1.14.0',
  LEAKY_RELU: '1.13.1',
  LOGISTIC: '1.14.0 1.14.0',
  LOG_SOFTMAX: '1.14.0 1.14.0',
  MAXIMUM: '1.14.0 1.14.0 2.3.0',
  MAX_POOL_2D: '1.5.0 1.14.0',
  MEAN: '1.6.0 1.14.0',
  MINIMUM: '1.14.0 1.14.0 2.3.0',
  MIRROR_PAD: '1.13.1 2.3.0',
  MUL: '1.5.0 1.14.0 1.15.0',
  NEG: '1.9.0',
  PACK: '1.11.0 1.14.0',
  PAD: '1.5.0 1.14.0 2.4.0 2.6.0',
  PADV2: '1.9.0 1.14.0 2.4.0 2.6.0',
  POW: '1.10.0',
  PRELU: '1.8.0',
  QUANTIZE: '1.14.0 1.15.0 2.7.0',
  RANGE: '1.13.0',
  REDUCE_MAX: '1.11.0 1.14.0',
  REDUCE_MIN: '1.11.0 1.14.0',
  REDUCE_PROD: '1.11.0 2.6.0',
  RELU: '1.5.0 2.1.0',
  RELU6: '1.5.0 1.14.0',
  RELU_N1_TO_1: '1.5.0',
  RESHAPE: '1.5.0',
  RESIZE_BILINEAR: '1.7.0 1.14.0 2.2.0',
  RESIZE_NEAREST_NEIGHBOR: '1.13.1 1.14.0 2.3.0',
  RSQRT: '1.10.0 2.5.0',
  SHAPE: '1.10.0',
  SLICE: '1.14.0 1.14.0 1.14.0 2.4.0 2.5.0',
  SOFTMAX: '1.5.0 1.14.0',
  SPACE_TO_BATCH_ND: '1.6.0 1.14.0 2.3.0',
  SPACE_TO_DEPTH: '1.5.0 1.14.0',
  SPLIT: '1.5.0 1.14.0 1.14.0',
  SPLIT_V: '1.13.1 2.3.0',
  SQRT: '1.10.0',
  SQUARE: '1.12.0',
  SQUARED_DIFFERENCE: '1.13.1 2.5.0',
  SQUEEZE: '1.6.0',
  STRIDED_SLICE: '1.6.0 1.14.0 2.1.0 2.2.0 2.5.0 2.6.0',
  SUB: '1.6.0 1.14.0 2.3.0',
  SUM: '1.10.0 1.15.0',
  TANH: '1.14.0 1.14.0',
  TILE: '1.10.1 2.2.0 2.8.0',
  TRANSPOSE: '1.6.0 1.14.0 1.15.0 2.3.0 2.4.0 2.12.0',
  TRANSPOSE_CONV: '1.9.0 2.2.0 2.3.0 2.13.0',
  UNPACK: '1.11.0 1.14.0',
};
