// Operations that move, repeat, join and part the elements of constants.
import type { Op, Value } from '../../graph/graph.js';
import { stridedSliceAxes } from '../../graph/shapes/slices.js';
import { eachPlace, pick, stridesOf } from './tensor.js';
import type { Tensor } from './tensor.js';

type Elements = ArrayLike<number>;

/** What a rule is asked with: operation, its inputs as values and as elements, and the shapes of its outputs. */
interface Move {
  readonly op: Op;
  readonly values: readonly Value[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly (readonly number[])[];
}

/** The elements of every output of a moving operation on constants; null when it is none of these. */
export function moved(move: Move): readonly Elements[] | null {
  const [x = none, y = none, z = none] = move.inputs;
  return moves[move.op.kind]?.(move, x, y, z) ?? null;
}

type MoveRule = (move: Move, x: Tensor, y: Tensor, z: Tensor) => readonly Elements[] | null;

const kept: MoveRule = (_move, x) => [x.data];
const filled = ({ outputs: [shape = []] }: Move, filler: number): Float64Array =>
  new Float64Array(shape.reduce((product, size) => product * size, 1)).fill(filler);
const split = (whole: Tensor, axis: number, outputs: Move['outputs']): readonly Elements[] =>
  parted(
    whole,
    axis,
    outputs.map((part) => part[axis] ?? 0),
  );

const moves: Readonly<Partial<Record<Op['kind'], MoveRule>>> = {
  RESHAPE: kept,
  SQUEEZE: kept,
  EXPAND_DIMS: kept,
  TRANSPOSE: ({ outputs: [shape = []] }, x, y) => {
    const strides = stridesOf(x.shape);
    return [
      pick(
        shape,
        x.data,
        0,
        Array.from(y.data, (axis) => strides[axis] ?? 0),
      ),
    ];
  },
  SLICE: ({ outputs: [shape = []] }, x, y) => {
    const strides = stridesOf(x.shape);
    return [pick(shape, x.data, offsetOf(Array.from(y.data), strides), strides)];
  },
  STRIDED_SLICE: ({ op, values, outputs: [shape = []] }, x) => {
    const axes = stridedSliceAxes(op, values);
    if (axes === null) return null;
    const strides = stridesOf(x.shape);
    const start = offsetOf(
      axes.map((axis) => axis.start),
      strides,
    );
    const steps = axes.flatMap(({ kept: stays, step }, at) => (stays ? [step * (strides[at] ?? 0)] : []));
    return [pick(shape, x.data, start, steps)];
  },
  TILE: ({ outputs: [shape = []] }, x) => [tiled(x, shape)],
  PAD: (move, x, y) => [padded(x, y.data, move.outputs[0] ?? [], filled(move, 0))],
  PADV2: (move, x, y, z) => [padded(x, y.data, move.outputs[0] ?? [], filled(move, z.data[0] ?? 0))],
  FILL: (move, _x, y) => [filled(move, y.data[0] ?? 0)],
  RANGE: ({ outputs: [shape = []] }, x, _y, z) => [
    Float64Array.from({ length: shape[0] ?? 0 }, (_, at) => (x.data[0] ?? 0) + at * (z.data[0] ?? 0)),
  ],
  CONCATENATION: ({ op: { options }, inputs, outputs: [shape = []] }) =>
    options?.type === 'ConcatenationOptions' ? [joined(inputs, axisOf(options.axis, shape.length), shape)] : null,
  PACK: ({ op: { options }, inputs, outputs: [shape = []] }) => {
    if (options?.type !== 'PackOptions') return null;
    const axis = axisOf(options.axis, shape.length);
    const opened = inputs.map((one) => ({ ...one, shape: one.shape.toSpliced(axis, 0, 1) }));
    return [joined(opened, axis, shape)];
  },
  UNPACK: ({ op: { options }, outputs }, x) => {
    if (options?.type !== 'UnpackOptions') return null;
    return parted(
      x,
      axisOf(options.axis, x.shape.length),
      outputs.map(() => 1),
    );
  },
  SPLIT: ({ outputs }, x, y) => split(y, axisOf(x.data[0] ?? 0, y.shape.length), outputs),
  SPLIT_V: ({ outputs }, x, _y, z) => split(x, axisOf(z.data[0] ?? 0, x.shape.length), outputs),
  GATHER: ({ op: { options }, outputs: [shape = []] }, x, y) => {
    if (options?.type !== 'GatherOptions' || options.batchDims !== 0) return null;
    return [gathered(x, axisOf(options.axis, x.shape.length), y, shape)];
  },
};

const none: Tensor = { shape: [], data: [] };

function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function offsetOf(places: readonly number[], strides: readonly number[]): number {
  return places.reduce((sum, place, axis) => sum + place * (strides[axis] ?? 0), 0);
}

function tiled({ shape, data }: Tensor, target: readonly number[]): Float64Array {
  const strides = stridesOf(shape);
  const elements = new Float64Array(target.reduce((product, size) => product * size, 1));
  eachPlace(target, (places, at) => {
    const from = places.reduce((sum, place, axis) => sum + (place % (shape[axis] ?? 1)) * (strides[axis] ?? 0), 0);
    elements[at] = data[from] ?? 0;
  });
  return elements;
}

/** Puts a tensor into `elements` of shape `target`, with margins before and after it along each axis. */
function padded(
  { shape, data }: Tensor,
  margins: Elements,
  target: readonly number[],
  elements: Float64Array,
): Float64Array {
  const strides = stridesOf(target);
  eachPlace(shape, (places, at) => {
    const into = places.reduce(
      (sum, place, axis) => sum + (place + (margins[2 * axis] ?? 0)) * (strides[axis] ?? 0),
      0,
    );
    elements[into] = data[at] ?? 0;
  });
  return elements;
}

function joined(inputs: readonly Tensor[], axis: number, target: readonly number[]): Float64Array {
  const strides = stridesOf(target);
  const elements = new Float64Array(target.reduce((product, size) => product * size, 1));
  let first = 0;
  for (const { shape, data } of inputs) {
    const start = first * (strides[axis] ?? 0);
    eachPlace(shape, (places, at) => {
      elements[start + places.reduce((sum, place, along) => sum + place * (strides[along] ?? 0), 0)] = data[at] ?? 0;
    });
    first += shape[axis] ?? 0;
  }
  return elements;
}

function parted({ shape, data }: Tensor, axis: number, sizes: readonly number[]): readonly Float64Array[] {
  const strides = stridesOf(shape);
  let first = 0;
  return sizes.map((size) => {
    const part = pick(shape.with(axis, size), data, first * (strides[axis] ?? 0), strides);
    first += size;
    return part;
  });
}

function gathered({ shape, data }: Tensor, axis: number, indices: Tensor, target: readonly number[]): Float64Array {
  const outer = shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = shape[axis] ?? 1;
  const elements = new Float64Array(target.reduce((product, one) => product * one, 1));
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (let place = 0; place < indices.data.length; place++) {
      const from = (block * size + (indices.data[place] ?? 0)) * inner;
      for (let step = 0; step < inner; step++) elements[at++] = data[from + step] ?? 0;
    }
  }
  return elements;
}
