import type { Operands } from './operands.js';
import { list, quoted, record } from '../topology-json.js';
import { sliced } from './shaping.js';

/** Where a slice begins, how many elements it takes and in what steps; an index drops its axis. */
interface AxisSlice {
  readonly begin: number;
  readonly count: number;
  readonly step: number;
  readonly drops: boolean;
}

/** x[:, 1:-1, ::2, 0] */
export function getItem(operands: Operands): number {
  const { ops, layer } = operands;
  const input = operands.input();
  const shape = ops.shape(input);
  const key = operands.constant(1, 'slice_spec', 'key');
  const written = list(key) ?? [key];
  layer.refuseUnless(written.length <= shape.length, `takes ${written.length} axes of [${shape.join(', ')}]`);
  const slices = shape.map((size, axis) => {
    const one =
      axis < written.length ? axisSlice(written[axis], size) : { begin: 0, count: size, step: 1, drops: false };
    if (one !== null && one.count > 0) return one;
    throw layer.fault(
      `takes ${quoted(written[axis])} of an axis of ${size}; slices and indices inside of it are supported`,
    );
  });
  layer.refuseUnless(slices[0]?.count === shape[0] && slices[0]?.drops === false, 'takes a part of the batch');
  const begin = slices.map((one) => one.begin);
  const kept = slices.flatMap((one) => (one.drops ? [] : [one.count]));
  if (slices.every(({ step }) => step === 1)) {
    return ops.reshape(
      sliced(
        input,
        begin,
        slices.map(({ count }) => count),
        layer,
        ops,
      ),
      kept,
    );
  }
  const end = slices.map((one) => one.begin + (one.count - 1) * one.step + 1);
  const operandsOf = [
    input,
    ops.ints('begin', begin),
    ops.ints('end', end),
    ops.ints(
      'steps',
      slices.map(({ step }) => step),
    ),
  ];
  const taken = ops.add('STRIDED_SLICE', operandsOf, {
    type: 'StridedSliceOptions',
    beginMask: 0,
    endMask: 0,
    ellipsisMask: 0,
    newAxisMask: 0,
    shrinkAxisMask: 0,
    offset: false,
  });
  return ops.reshape(taken, kept);
}

/** Python's rules for a positive step: negative positions count from the end, positions outside are cut. */
function axisSlice(value: unknown, size: number): AxisSlice | null {
  if (typeof value === 'number' && Number.isInteger(value)) {
    const begin = value < 0 ? value + size : value;
    return begin >= 0 && begin < size ? { begin, count: 1, step: 1, drops: true } : null;
  }
  const object = record(value);
  const { start, stop, step } =
    object?.['class_name'] === '__slice__' ? (record(object['config']) ?? {}) : (object ?? {});
  if (object === undefined || !isPosition(start) || !isPosition(stop) || !isPosition(step)) return null;
  const [from, to, by] = [place(start ?? 0, size), place(stop ?? size, size), step ?? 1];
  if (by < 1) return null;
  return { begin: from, count: Math.ceil((to - from) / by), step: by, drops: false };
}

function isPosition(value: unknown): value is number | null | undefined {
  return value === null || value === undefined || (typeof value === 'number' && Number.isInteger(value));
}

function place(position: number, size: number): number {
  return Math.min(Math.max(position < 0 ? position + size : position, 0), size);
}
