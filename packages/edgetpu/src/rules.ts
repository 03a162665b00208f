// What keeps an operator off the Edge TPU, as data. The first rule that applies decides, in this order: data type, operator,
// version, rank, then the limits of single operators. `source` says where a rule is written down, `confidence` how firmly.
import type { BuiltinName } from '@atoll/tflite/ops';
import { constantInts, flowing } from './op-view.js';
import type { OpView } from './op-view.js';
import { statuses } from './status.js';
import type { MappingStatus } from './status.js';

/** documented by the vendor, observed in logs or compiled files, or inferred from them. */
export type Confidence = 'documented' | 'observed' | 'inferred';

/** One reason for not mapping an operator. */
export interface MappingRule {
  readonly id: string;
  /** The operators that it looks at. */
  readonly ops: readonly BuiltinName[] | 'any';
  readonly status: MappingStatus;
  readonly confidence: Confidence;
  readonly source: string;
  /** What the maker of the model can do about it. */
  readonly remedy: string;
  /** True when the rule keeps this operator off the Edge TPU. */
  readonly blocks: (op: OpView) => boolean;
}

/** The newest version of each supported operator that compiler 16 is known or expected to take: those of its age, TensorFlow 2.5. */
export const newestVersions: Readonly<Partial<Record<BuiltinName, number>>> = {
  ADD: 2,
  AVERAGE_POOL_2D: 2,
  CONCATENATION: 2,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 3,
  EXPAND_DIMS: 1,
  FULLY_CONNECTED: 4,
  L2_NORMALIZATION: 2,
  LOGISTIC: 2,
  MAXIMUM: 2,
  MAX_POOL_2D: 2,
  MEAN: 2,
  MINIMUM: 2,
  MUL: 3,
  PACK: 2,
  PAD: 2,
  PRELU: 1,
  QUANTIZE: 2,
  REDUCE_MAX: 2,
  REDUCE_MIN: 2,
  RELU: 2,
  RELU6: 2,
  RELU_N1_TO_1: 1,
  RESHAPE: 1,
  RESIZE_BILINEAR: 3,
  RESIZE_NEAREST_NEIGHBOR: 2,
  RSQRT: 2,
  SLICE: 2,
  SOFTMAX: 2,
  SPACE_TO_DEPTH: 2,
  SPLIT: 2,
  SQUARED_DIFFERENCE: 2,
  SQUEEZE: 1,
  STRIDED_SLICE: 2,
  SUB: 2,
  SUM: 2,
  TANH: 2,
  TRANSPOSE: 2,
  TRANSPOSE_CONV: 3,
  UNIDIRECTIONAL_SEQUENCE_LSTM: 1,
};

const docs = 'coral.ai/docs/edgetpu/models-intro, table of supported operations';
const eightBit = new Set(['int8', 'uint8']);

/** All rules, in the order in which they are asked. */
export const mappingRules: readonly MappingRule[] = [
  {
    id: 'float-boundary',
    ops: ['QUANTIZE'],
    status: statuses.limitation,
    confidence: 'observed',
    source: 'compiler logs: a QUANTIZE from float stays on the CPU',
    remedy: 'give the model a uint8 or int8 input',
    blocks: (op) => op.inputs[0]?.tensor.type === 'float32',
  },
  {
    id: 'eight-bit-only',
    ops: 'any',
    status: statuses.dataType,
    confidence: 'documented',
    source: 'coral.ai/docs/edgetpu/models-intro, model requirements',
    remedy: 'quantize the whole model to 8 bits, with a uint8 or int8 output',
    blocks: (op) => flowing(op).some(({ tensor }) => !eightBit.has(tensor.type)),
  },
  {
    id: 'unknown-op',
    ops: 'any',
    status: statuses.unsupported,
    confidence: 'documented',
    source: docs,
    remedy: 'replace it by supported operators, or move it to the end of the model',
    blocks: (op) => !(op.name in newestVersions),
  },
  {
    id: 'op-version',
    ops: 'any',
    status: statuses.version,
    confidence: 'observed',
    source: 'compiler logs: QUANTIZE 3, RESIZE_NEAREST_NEIGHBOR 3, FULLY_CONNECTED above 4 are refused',
    remedy:
      'write the least version that int8 needs: a bias on every dense layer, no kept dimensions, no half-pixel centres',
    blocks: (op) => op.version > (newestVersions[op.name as BuiltinName] ?? 0),
  },
  {
    id: 'three-dimensions',
    ops: 'any',
    status: statuses.rank,
    confidence: 'documented',
    source: 'coral.ai/docs/edgetpu/models-intro, model requirements',
    remedy: 'use batch size 1 and at most three dimensions above 1',
    blocks: (op) => flowing(op).some(({ tensor }) => tensor.shape.slice(0, -3).some((size) => size !== 1)),
  },
  {
    id: 'fused-activation',
    ops: ['AVERAGE_POOL_2D', 'MAX_POOL_2D', 'CONCATENATION'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'fuse the activation into the convolution before it',
    blocks: ({ options }) => options !== null && 'activation' in options && options.activation !== 0,
  },
  {
    id: 'even-dilation',
    ops: ['CONV_2D', 'DEPTHWISE_CONV_2D'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'dilate by the same factor in x and y',
    blocks: ({ options }) => options !== null && 'dilationW' in options && options.dilationW !== options.dilationH,
  },
  {
    id: 'constant-weights',
    ops: ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'],
    status: statuses.limitation,
    confidence: 'documented',
    source: 'coral.ai/docs/edgetpu/models-intro, model requirements',
    remedy: 'make weights and bias constants of the model',
    blocks: ({ inputs }) => [inputs[1], inputs[2]].some((one) => one !== null && one !== undefined && !one.constant),
  },
  {
    id: 'default-weights-format',
    ops: ['FULLY_CONNECTED'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'write dense weights in the default format',
    blocks: ({ options }) => options?.type === 'FullyConnectedOptions' && options.weightsFormat !== 0,
  },
  {
    id: 'flat-dense-output',
    ops: ['FULLY_CONNECTED'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'reshape to two dimensions before the dense layer and back after it',
    blocks: ({ outputs }) => outputs[0]?.tensor.shape.slice(0, -1).some((size) => size !== 1) ?? false,
  },
  {
    id: 'softmax-size',
    ops: ['SOFTMAX'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'apply softmax to one row of at most 16,000 values, or outside the model',
    blocks: ({ inputs }) => {
      const shape = inputs[0]?.tensor.shape ?? [];
      return shape.slice(0, -1).some((size) => size !== 1) || (shape.at(-1) ?? 0) > 16_000;
    },
  },
  {
    id: 'batch-axis',
    ops: ['MEAN', 'SUM', 'REDUCE_MAX', 'REDUCE_MIN'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'do not reduce over the batch',
    blocks: ({ inputs }) => {
      const rank = inputs[0]?.tensor.shape.length ?? 0;
      return rank > 3 && (constantInts(inputs[1])?.some((axis) => axis === 0 || axis === -rank) ?? true);
    },
  },
  {
    id: 'mean-depth',
    ops: ['MEAN'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'a mean over the channels needs a multiple of 4 of them',
    blocks: ({ inputs }) => {
      const shape = inputs[0]?.tensor.shape ?? [];
      const overDepth = constantInts(inputs[1])?.some((axis) => axis === -1 || axis === shape.length - 1) ?? false;
      return overDepth && (shape.at(-1) ?? 0) % 4 !== 0;
    },
  },
  {
    id: 'pad-batch',
    ops: ['PAD'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'do not pad the batch',
    blocks: ({ inputs }) => {
      const rank = inputs[0]?.tensor.shape.length ?? 0;
      return (
        rank > 3 &&
        (constantInts(inputs[1])
          ?.slice(0, 2)
          .some((size) => size !== 0) ??
          true)
      );
    },
  },
  {
    id: 'batch-split',
    ops: ['SPLIT', 'PACK'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'do not split or pack along the batch',
    blocks: ({ name, inputs, outputs, options }) => {
      const rank = outputs[0]?.tensor.shape.length ?? 0;
      const packed = options?.type === 'PackOptions' ? options.axis : undefined;
      const axis = name === 'SPLIT' ? constantInts(inputs[0])?.[0] : packed;
      return rank > 3 && (axis === 0 || axis === -rank);
    },
  },
  {
    id: 'constant-concat',
    ops: ['CONCATENATION'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'concatenate a constant only as padding: two inputs, the constant all zero',
    blocks: ({ inputs }) => {
      const constants = inputs.filter((input) => input !== null && input.constant);
      if (constants.length === 0) return false;
      return (
        inputs.length !== 2 ||
        constants.some((one) => one !== null && !isZero(one.data, one.tensor.quantization?.zeroPoint[0] ?? 0))
      );
    },
  },
  {
    id: 'plain-strided-slice',
    ops: ['STRIDED_SLICE'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'slice with all strides 1 and without ellipsis or new axes',
    blocks: ({ inputs, options }) => {
      if (options?.type !== 'StridedSliceOptions') return true;
      const strides = constantInts(inputs[3]);
      return options.ellipsisMask !== 0 || options.newAxisMask !== 0 || (strides?.some((step) => step !== 1) ?? true);
    },
  },
  {
    id: 'leading-squeeze',
    ops: ['SQUEEZE'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'squeeze only leading dimensions of size 1',
    blocks: ({ inputs, outputs }) => {
      const before = inputs[0]?.tensor.shape ?? [];
      const after = outputs[0]?.tensor.shape ?? [];
      return after.some((size, index) => size !== before[before.length - after.length + index]);
    },
  },
  {
    id: 'flat-prelu',
    ops: ['PRELU'],
    status: statuses.limitation,
    confidence: 'documented',
    source: docs,
    remedy: 'share the slope over x and y',
    blocks: ({ inputs }) => (inputs[1]?.tensor.shape.filter((size) => size > 1).length ?? 0) > 1,
  },
  {
    id: 'far-resize',
    ops: ['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR'],
    status: statuses.limitation,
    confidence: 'inferred',
    source: 'compiled DeepLab v3: 1x1 to 33x33 and 33x33 to 513x513 stay on the CPU; doublings map',
    remedy: 'resize by at most 4 in each direction, or in steps',
    blocks: ({ inputs, outputs }) => {
      const [, height = 1, width = 1] = inputs[0]?.tensor.shape ?? [];
      const [, outHeight = 1, outWidth = 1] = outputs[0]?.tensor.shape ?? [];
      return outHeight > 4 * height || outWidth > 4 * width;
    },
  },
];

function isZero(data: Uint8Array, zeroPoint: number): boolean {
  return data.every((value) => value === (zeroPoint & 0xff));
}

/** The first rule that keeps an operator off the Edge TPU, or undefined when it can map. */
export function blockingRule(op: OpView): MappingRule | undefined {
  return mappingRules.find(
    (rule) => (rule.ops === 'any' || rule.ops.some((name) => name === op.name)) && rule.blocks(op),
  );
}
