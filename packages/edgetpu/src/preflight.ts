// What makes the real compiler refuse a model, or make less of it than could be, told before it is started: it names neither the
// operator nor the tensor. Each finding is one line: where, what, and what to do.
import { printable } from '@atoll/base/printable';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { builtinNames } from '@atoll/tflite/ops';
import { activationBytes, largeActivationBytes } from './memory.js';
import type { OpView } from './op-view.js';
import { flowing, shownName } from './op-view.js';
import { supportedOp } from './supported-ops.js';

/** What is asked of the compiler, as far as it matters here. */
export interface PlanOptions {
  /** The oldest runtime that must load the result, 10 to 14; 0 leaves it to the compiler. */
  readonly minRuntimeVersion: number;
  /** Tensors that become outputs of the Edge TPU part: what comes after them stays on the CPU. */
  readonly intermediateTensors: readonly string[];
}

/** Findings about a model, the worst first; of many of a kind the first few are named. `mapped` are the operators that map. */
export function preflight(
  model: TfLiteModel,
  ops: readonly OpView[],
  mapped: readonly OpView[],
  options: PlanOptions,
): readonly string[] {
  return [
    ...shapes(model),
    ...floats(ops),
    ...few(
      ops.filter(isUnknownCustom),
      (op) => `${printable(op.name)} is a custom operator that the compiler does not know: take it out of the model`,
    ),
    ...few(
      ops.filter(hasOddBias),
      (op) =>
        `${shownName(op)}: the scale of the bias is not that of the input times that of the weights; the compiler may refuse it`,
    ),
    ...few(
      ops.filter(isUnscaled),
      (op) => `${shownName(op)}: a tensor has no scale; the compiler takes the model for one that is not quantized`,
    ),
    ...few(
      ops.filter(isPerChannelDense),
      (op) =>
        `${shownName(op)}: dense weights with one scale per output give wrong results on old runtimes; use one scale`,
    ),
    ...few(
      ops.filter(isWideDense),
      (op) =>
        `${shownName(op)}: a dense layer over ${denseInputs(op)} inputs is slow on the Edge TPU; pool to fewer values before it`,
    ),
    ...large(mapped),
    ...runtimes(ops, options.minRuntimeVersion),
  ];
}

const namedOfAKind = 3;

function few(ops: readonly OpView[], text: (op: OpView) => string): readonly string[] {
  const named = ops.slice(0, namedOfAKind).map(text);
  const more = ops.length - named.length;
  return more > 0 ? [...named, `the same holds for ${more} more operators`] : named;
}

function shapes(model: TfLiteModel): readonly string[] {
  const { tensors, inputs } = mainSubgraph(model);
  const open = tensors.find(({ shapeSignature }) => shapeSignature.includes(-1));
  if (open !== undefined) {
    return [
      `tensor ${printable(open.name)} has a size that is not fixed: the compiler refuses it; convert with batch size 1`,
    ];
  }
  const batched = inputs
    .map((index) => tensors[index])
    .find((one) => (one?.shape.length ?? 0) > 1 && one?.shape[0] !== 1);
  return batched === undefined
    ? []
    : [
        `input ${printable(batched.name)} has the batch size ${batched.shape[0]}: the Edge TPU takes one at a time; convert with batch size 1`,
      ];
}

/** Float at the borders costs two operators; float within is another kind of model. */
function floats(ops: readonly OpView[]): readonly string[] {
  const inside = ops.filter(
    (op) =>
      op.name !== 'QUANTIZE' &&
      op.name !== 'DEQUANTIZE' &&
      flowing(op).every(({ tensor }) => tensor.type === 'float32'),
  );
  if (inside.length === 0) return [];
  return inside.length === ops.length
    ? ['the model computes in float: the compiler reports success and maps nothing; quantize it to full integers']
    : few(
        inside,
        (op) =>
          `${shownName(op)}: ${printable(op.name)} computes in float and stays on the CPU; quantize the whole model`,
      );
}

const builtin: ReadonlySet<string> = new Set(builtinNames);

/** The one custom operator that the compiler is known to let pass. */
const knownCustom = 'TFLite_Detection_PostProcess';

function isUnknownCustom({ name }: OpView): boolean {
  return !builtin.has(name) && name !== knownCustom;
}

const weighted = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED']);

/** The interpreters of old compilers compare to one part in a million. Source: tensorflow/tensorflow issue 30173. */
const biasTolerance = 1e-6;

function hasOddBias({ name, inputs }: OpView): boolean {
  const scales = [0, 1, 2].map((index) => inputs[index]?.tensor.quantization?.scale ?? []);
  const [[input] = [], weights = [], bias = []] = scales;
  if (!weighted.has(name) || input === undefined || weights.length === 0 || bias.length === 0) return false;
  if (bias.length !== weights.length) return true;
  return bias.some((scale, index) => {
    const product = input * (weights[index] ?? 0);
    return Math.abs(product - scale) > biasTolerance * Math.min(product, scale);
  });
}

function isUnscaled(op: OpView): boolean {
  return (
    weighted.has(op.name) &&
    flowing(op).some(
      ({ tensor }) =>
        (tensor.type === 'int8' || tensor.type === 'uint8') && (tensor.quantization?.scale.length ?? 0) === 0,
    )
  );
}

function isPerChannelDense({ name, inputs }: OpView): boolean {
  return name === 'FULLY_CONNECTED' && (inputs[1]?.tensor.quantization?.scale.length ?? 0) > 1;
}

/** From here on a dense layer was seen to grow the compiled file many times over. */
const wideDenseInputs = 1600;

function denseInputs({ name, inputs }: OpView): number {
  return name === 'FULLY_CONNECTED' ? (inputs[1]?.tensor.shape[1] ?? 0) : 0;
}

function isWideDense(op: OpView): boolean {
  return denseInputs(op) > wideDenseInputs;
}

function large(ops: readonly OpView[]): readonly string[] {
  const over = ops.filter((op) => activationBytes(op) > largeActivationBytes);
  const [first] = over;
  if (first === undefined) return [];
  const size = (activationBytes(first) / 1024 / 1024).toFixed(1);
  const more = over.length === 1 ? '' : `, and so for ${over.length - 1} more`;
  return [
    `${shownName(first)}: its input and output take ${size} MiB${more}; should the compiler find them too large, use a smaller ` +
      'input or --search-delegate',
  ];
}

function runtimes(ops: readonly OpView[], asked: number): readonly string[] {
  if (asked === 0) return [];
  const newer = ops.filter(({ name }) => (supportedOp(name)?.runtime ?? 0) > asked);
  const names = [...new Set(newer.map(({ name }) => `${name} (${supportedOp(name)?.runtime})`))];
  return names.length === 0
    ? []
    : [`runtime ${asked} is asked for, and by the vendor's table these operators came later: ${names.join(', ')}`];
}
