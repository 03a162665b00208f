// What keeps an operator off the Edge TPU, as data. The first rule that applies decides, in this order: data type, operator,
// version, rank, then the limits of single operators. `source` says where a rule is written down, `confidence` how firmly.
import type { BuiltinName } from '@atoll/tflite/ops';
import { constantInts, flowing, growth } from './op-view.js';
import type { OpView } from './op-view.js';
import { statuses } from './status.js';
import type { MappingStatus } from './status.js';
import { refusedAbove, replacements, supportedOp } from './supported-ops.js';

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
  /** The same for one operator, where more can be said. */
  readonly remedyFor?: (op: OpView) => string | undefined;
  /** True when the rule keeps this operator off the Edge TPU. */
  readonly blocks: (op: OpView) => boolean;
}

/** The vendor's own table. */
export const docs = 'coral.ai/docs/edgetpu/models-intro, table of supported operations';
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
    remedyFor: replacementFor,
    blocks: (op) => flowing(op).some(({ tensor }) => !eightBit.has(tensor.type)),
  },
  {
    id: 'unknown-op',
    ops: 'any',
    status: statuses.unsupported,
    confidence: 'documented',
    source: docs,
    remedy: 'replace it by supported operators, or move it to the end of the model',
    remedyFor: replacementFor,
    blocks: ({ name }) => supportedOp(name) === undefined,
  },
  {
    id: 'refused-version',
    ops: ['FULLY_CONNECTED', 'QUANTIZE', 'RESIZE_NEAREST_NEIGHBOR'],
    status: statuses.version,
    confidence: 'observed',
    source: 'google-coral/edgetpu issues 420 and 879, published logs: FULLY_CONNECTED above 4, the others above 2',
    remedy:
      'write the least version that int8 needs: a bias on every dense layer, no kept dimensions, no half-pixel centres',
    remedyFor: ({ name }) =>
      name === 'RESIZE_NEAREST_NEIGHBOR'
        ? 'resize without half-pixel centres: whole factors give the same pixels'
        : undefined,
    blocks: ({ name, version }) => version > (refusedAbove[name as BuiltinName] ?? version),
  },
  {
    id: 'op-version',
    ops: 'any',
    status: statuses.version,
    confidence: 'inferred',
    source: 'the versions of TensorFlow 2.5, which the newest compiler is built on',
    remedy: 'write the least version that int8 needs, as atoll quantize does',
    blocks: ({ name, version }) => version > (supportedOp(name)?.newestVersion ?? version),
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
    confidence: 'observed',
    source: 'a compiled DeepLab v3: 1x1 to 33x33 and 33x33 to 513x513 stay on the CPU; doublings map in many models',
    remedy: 'resize by at most 4 in each direction, or in steps of 2',
    blocks: (op) => growth(op) > 4,
  },
  {
    id: 'large-resize',
    ops: ['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR'],
    status: statuses.limitation,
    confidence: 'observed',
    source: 'google-coral/edgetpu issue 31: 256x256 to 512x512 stays on the CPU, 64x64 to 128x128 maps',
    remedy: 'resize to less than 512 in a direction, and let the application do the last step',
    blocks: ({ outputs }) => Math.max(...(outputs[0]?.tensor.shape.slice(1, 3) ?? [0])) >= 512,
  },
  {
    id: 'large-reshape',
    ops: ['RESHAPE'],
    status: statuses.limitation,
    confidence: 'inferred',
    source:
      'google-coral/edgetpu issue 512: YOLOv5 leaves a reshape to the CPU at 384 (587,520 values by its heads), none at 256 (261,120)',
    remedy: 'use a smaller input, or reshape outside the model',
    blocks: ({ outputs }) => elements(outputs[0]?.tensor.shape) >= 587_520,
  },
  {
    id: 'large-mean',
    ops: ['MEAN'],
    status: statuses.limitation,
    confidence: 'observed',
    source: 'google-coral/edgetpu issue 461: a mean over 256x128 stays on the CPU, one over 64x128 maps',
    remedy: 'take the mean in two steps, or pool first',
    blocks: (op) => meanSize(op) >= 32_768,
  },
];

function replacementFor({ name }: OpView): string | undefined {
  const other = Object.hasOwn(replacements, name) ? replacements[name as BuiltinName] : undefined;
  return other === undefined ? undefined : `in its place: ${other}`;
}

/** How many values one mean is over. */
export function meanSize({ inputs, outputs }: OpView): number {
  return elements(inputs[0]?.tensor.shape) / Math.max(1, elements(outputs[0]?.tensor.shape));
}

/** How many values a shape has; 0 when it is not known. */
export function elements(shape: readonly number[] | undefined): number {
  return shape === undefined ? 0 : shape.reduce((product, size) => product * size, 1);
}

function isZero(data: Uint8Array, zeroPoint: number): boolean {
  return data.every((value) => value === (zeroPoint & 0xff));
}

/** The first rule that keeps an operator off the Edge TPU, or undefined when it can map. */
export function blockingRule(op: OpView): MappingRule | undefined {
  return mappingRules.find(
    (rule) => (rule.ops === 'any' || rule.ops.some((name) => name === op.name)) && rule.blocks(op),
  );
}
