// Arithmetic on constants. Source: the reference kernels of TFLite; whole numbers divide toward 0 and floor only where they say so.
import { activations } from '@atoll/tflite/enums';
import type { Op } from '../../graph/graph.js';
import { eachPlace, pick, stridesOf } from './tensor.js';
import type { Tensor } from './tensor.js';

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

const relu: Unary = (x) => Math.max(0, x);
const relu6: Unary = (x) => Math.min(6, Math.max(0, x));
const withinOne: Unary = (x) => Math.min(1, Math.max(-1, x));

const unaries: Readonly<Partial<Record<Op['kind'], Unary>>> = {
  RELU: relu,
  RELU6: relu6,
  RELU_N1_TO_1: withinOne,
  NEG: (x) => -x,
  EXP: Math.exp,
  SQRT: Math.sqrt,
  RSQRT: (x) => 1 / Math.sqrt(x),
  SQUARE: (x) => x * x,
  LOGISTIC: (x) => 1 / (1 + Math.exp(-x)),
  TANH: Math.tanh,
};

const binaries: Readonly<Partial<Record<Op['kind'], Binary>>> = {
  ADD: (x, y) => x + y,
  SUB: (x, y) => x - y,
  MUL: (x, y) => x * y,
  DIV: (x, y) => x / y,
  FLOOR_DIV: (x, y) => Math.floor(x / y),
  FLOOR_MOD: (x, y) => x - y * Math.floor(x / y),
  MAXIMUM: Math.max,
  MINIMUM: Math.min,
  POW: Math.pow,
  SQUARED_DIFFERENCE: (x, y) => (x - y) ** 2,
};

const fused = new Map<number, Unary>([
  [activations.NONE, (x) => x],
  [activations.RELU, relu],
  [activations.RELU6, relu6],
  [activations.RELU_N1_TO_1, withinOne],
]);

/** The elements that an arithmetic operation makes of constants, broadcast to `shape`; null when it is none of these. */
export function arithmetic(op: Op, inputs: readonly Tensor[], shape: readonly number[]): Float64Array | null {
  const [x, y] = inputs;
  const { options } = op;
  const after = fused.get(options !== null && 'activation' in options ? options.activation : activations.NONE);
  if (x === undefined || after === undefined) return null;
  const unary = unaries[op.kind];
  if (unary !== undefined) return Float64Array.from(x.data, unary);
  const binary = binaries[op.kind];
  if (binary === undefined || y === undefined) return null;
  const left = stretch(x, shape);
  const right = stretch(y, shape);
  return left.map((one, at) => after(binary(one, right[at] ?? 0)));
}

/** Repeats a tensor along the axes where it has the size 1 or none. */
function stretch({ shape, data }: Tensor, target: readonly number[]): Float64Array {
  const missing = target.length - shape.length;
  const strides = stridesOf(shape);
  const steps = target.map((_, axis) => (shape[axis - missing] === 1 ? 0 : (strides[axis - missing] ?? 0)));
  return pick(target, data, 0, steps);
}

const reductions: Readonly<Partial<Record<Op['kind'], { readonly start: number; readonly step: Binary }>>> = {
  SUM: { start: 0, step: (x, y) => x + y },
  MEAN: { start: 0, step: (x, y) => x + y },
  REDUCE_PROD: { start: 1, step: (x, y) => x * y },
  REDUCE_MAX: { start: Number.NEGATIVE_INFINITY, step: Math.max },
  REDUCE_MIN: { start: Number.POSITIVE_INFINITY, step: Math.min },
};

/** The elements of a reduction over the axes of its second input; null when it is none. */
export function reduction(kind: Op['kind'], { shape, data }: Tensor, axes: ArrayLike<number>): Float64Array | null {
  const rule = reductions[kind];
  if (rule === undefined) return null;
  const gone = new Set(Array.from(axes, (axis) => (axis + shape.length) % shape.length));
  const kept = shape.map((size, axis) => (gone.has(axis) ? 1 : size));
  const strides = stridesOf(kept).map((stride, axis) => (gone.has(axis) ? 0 : stride));
  const reduced = new Float64Array(kept.reduce((product, size) => product * size, 1)).fill(rule.start);
  eachPlace(shape, (places, at) => {
    let into = 0;
    for (let axis = 0; axis < places.length; axis++) into += (places[axis] ?? 0) * (strides[axis] ?? 0);
    reduced[into] = rule.step(reduced[into] ?? 0, data[at] ?? 0);
  });
  const count = data.length / reduced.length;
  return kind === 'MEAN' ? reduced.map((sum) => sum / count) : reduced;
}
