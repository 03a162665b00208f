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
  const { name, inputs, options } = use;
  const [first, second] = inputs;
  const int8 = first?.type === 'int8';
  const rank = first?.shape.length ?? 0;
  switch (name) {
    case 'CONV_2D':
      if (isHybrid(use)) return isPerChannel(second) ? 5 : 2;
      if (first?.shape.at(-1) !== second?.shape.at(-1)) return 6;
      return int8 ? 3 : 1;
    case 'DEPTHWISE_CONV_2D': {
      if (isHybrid(use)) return isPerChannel(second) ? 6 : 4;
      const dilated = options?.type === 'DepthwiseConv2DOptions' && options.dilationW * options.dilationH !== 1;
      return int8 ? 3 : dilated ? 2 : 1;
    }
    case 'FULLY_CONNECTED':
      if (isHybrid(use) && isPerChannel(second)) return 12;
      if (inputs.length === 2) return 6;
      if (options?.type === 'FullyConnectedOptions' && options.keepNumDims) return 5;
      if (!isHybrid(use)) return int8 ? 4 : 1;
      return options?.type === 'FullyConnectedOptions' && options.asymmetricQuantizeInputs ? 9 : 3;
    case 'TRANSPOSE_CONV':
      if (options?.type === 'TransposeConvOptions' && options.activation !== 0) return 4;
      return inputs.length === 4 ? 3 : second?.type === 'int8' ? 2 : 1;
    case 'MUL':
      return multiplierAtLeastOne(use) ? 3 : int8 ? 2 : 1;
    case 'GATHER':
      return options?.type === 'GatherOptions' && options.batchDims !== 0 ? 5 : int8 ? 2 : 1;
    case 'TRANSPOSE':
      return rank > 5 ? 6 : rank > 4 ? 4 : int8 ? 2 : 1;
    case 'SLICE':
      return rank > 4 ? 5 : int8 ? 2 : 1;
    case 'STRIDED_SLICE':
      if (options?.type === 'StridedSliceOptions' && options.ellipsisMask + options.newAxisMask !== 0) return 6;
      return rank > 4 ? 4 : int8 ? 2 : 1;
    case 'PAD':
    case 'PADV2':
      return rank > 4 ? 4 : int8 ? 2 : 1;
    case 'MAXIMUM':
    case 'MINIMUM':
    case 'SUB':
      return isStretched(use) ? 3 : int8 ? 2 : 1;
    case 'DIV':
      return isStretched(use) ? 2 : 1;
    case 'SPLIT':
      return second?.type === 'int32' ? 3 : second?.type === 'int8' ? 2 : 1;
    case 'UNPACK':
      return int8 || first?.type === 'uint8' ? 2 : 1;
    case 'RELU':
      return int8 || first?.type === 'uint8' ? 2 : 1;
    case 'TILE':
      return int8 ? 3 : 1;
    case 'RESIZE_BILINEAR':
      return options?.type === 'ResizeBilinearOptions' && options.halfPixelCenters ? 3 : int8 ? 2 : 1;
    case 'RESIZE_NEAREST_NEIGHBOR': {
      const placed =
        options?.type === 'ResizeNearestNeighborOptions' && (options.halfPixelCenters || options.alignCorners);
      return placed ? 3 : int8 ? 2 : 1;
    }
    case 'DEQUANTIZE':
      if (first?.type === 'float16') return 3;
      return int8 ? (isPerChannel(first) ? 5 : 2) : 1;
    case 'QUANTIZE':
      return isPerChannel(use.outputs[0]) ? 3 : 1;
    case 'FLOOR_DIV':
      return first?.type === 'float32' ? 2 : 1;
    default:
      return int8 && versionTwoForInt8.has(name) ? 2 : 1;
  }
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
  'ADD',
  'ARG_MAX',
  'ARG_MIN',
  'AVERAGE_POOL_2D',
  'CONCATENATION',
  'DEPTH_TO_SPACE',
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
  ADD: '1.5.0 1.14.0',
  ARG_MAX: '1.9.0 1.14.0',
  ARG_MIN: '1.9.0 1.14.0',
  AVERAGE_POOL_2D: '1.5.0 1.14.0',
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
