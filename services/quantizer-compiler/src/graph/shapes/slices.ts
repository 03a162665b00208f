// Parts of a tensor. Source: slice.cc, strided_slice.cc and strided_slice_logic.h of TFLite's kernels.
import type { ShapedOp, ShapeRule } from './shape-rule.js';
import { inputAt, integersAt, optionsOf, shapeFault } from './shape-rule.js';

/** SLICE: `size` elements from `begin` on, -1 for all that follow. */
export const sliced: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const [begin, size] = [integersAt(op, inputs, 1), integersAt(op, inputs, 2)];
  if (begin === null || size === null) return null;
  if (begin.length !== shape.length || size.length !== shape.length) {
    throw shapeFault(op, `begin and size do not fit [${shape.join(', ')}]`);
  }
  return [
    shape.map((whole, axis) => {
      const from = begin[axis] ?? 0;
      const count = size[axis] === -1 ? whole - from : (size[axis] ?? 0);
      if (from < 0 || count < 0 || from + count > whole) throw shapeFault(op, `${from} + ${count} is beyond ${whole}`);
      return count;
    }),
  ];
};

/** Where a strided slice starts, how far it steps and how many elements it takes along one axis; `kept` says that the axis stays. */
export interface AxisSlice {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly kept: boolean;
}

/** What a STRIDED_SLICE takes along every axis of its input, or null while its operands are not constant. */
export function stridedSliceAxes(op: ShapedOp, inputs: Parameters<ShapeRule>[1]): readonly AxisSlice[] | null {
  return slicesAndNewAxes(op, inputs)?.filter((entry) => entry !== 'new') ?? null;
}

/** STRIDED_SLICE. */
export const stridedSliced: ShapeRule = (op, inputs) => {
  const entries = slicesAndNewAxes(op, inputs);
  if (entries === null) return null;
  return [entries.flatMap((entry) => (entry === 'new' ? [1] : entry.kept ? [entry.count] : []))];
};

/** The axes of the input, and new ones of size 1 between them, in the order of the output. */
function slicesAndNewAxes(op: ShapedOp, inputs: Parameters<ShapeRule>[1]): readonly (AxisSlice | 'new')[] | null {
  const { shape } = inputAt(op, inputs, 0);
  const options = optionsOf(op, 'StridedSliceOptions');
  const [begin, end, strides] = [integersAt(op, inputs, 1), integersAt(op, inputs, 2), integersAt(op, inputs, 3)];
  if (begin === null || end === null || strides === null) return null;
  const { length } = begin;
  if (length > maxEntries || end.length !== length || strides.length !== length || options.offset) {
    throw shapeFault(op, `begin, end and strides do not fit each other, or end is an offset`);
  }
  const has = (mask: number, at: number): boolean => (mask & (1 << at)) !== 0;
  const places = begin.map((_, at) => at);
  const ellipsis = places.find((at) => has(options.ellipsisMask, at)) ?? length;
  const isNew = (at: number): boolean => at !== ellipsis && has(options.newAxisMask, at);
  const named = places.filter((at) => at !== ellipsis && !isNew(at)).length;
  if (named > shape.length) throw shapeFault(op, `${named} slices do not fit [${shape.join(', ')}]`);
  const whole = (axis: number): AxisSlice => ({ start: 0, step: 1, count: shape[axis] ?? 0, kept: true });
  const entries: (AxisSlice | 'new')[] = [];
  let axis = 0;
  for (const at of [...places, length]) {
    // The ellipsis stands for all axes that are not named; without one they follow at the end.
    if (at === ellipsis) for (let left = shape.length - named; left > 0; left--) entries.push(whole(axis++));
    else if (isNew(at)) entries.push('new');
    else if (at < length) {
      const size = shape[axis++] ?? 0;
      entries.push(
        axisSlice(op, size, {
          begin: has(options.beginMask, at) ? null : (begin[at] ?? 0),
          end: has(options.endMask, at) ? null : (end[at] ?? 0),
          step: strides[at] ?? 1,
          shrinks: has(options.shrinkAxisMask, at),
        }),
      );
    }
  }
  return entries;
}

/** Masks have a bit for each entry. */
const maxEntries = 31;

interface SliceEntry {
  readonly begin: number | null;
  readonly end: number | null;
  readonly step: number;
  readonly shrinks: boolean;
}

function axisSlice(op: ShapedOp, size: number, { begin, end, step, shrinks }: SliceEntry): AxisSlice {
  if (step === 0) throw shapeFault(op, 'a stride is 0');
  const [least, last] = step > 0 ? [0, size] : [-1, size - 1];
  const within = (index: number): number => Math.min(last, Math.max(least, index < 0 ? index + size : index));
  if (shrinks) {
    const index = begin ?? 0;
    const start = index < 0 ? index + size : index;
    if (start < 0 || start >= size) throw shapeFault(op, `index ${index} is none of ${size}`);
    return { start, step: 1, count: 1, kept: false };
  }
  const start = begin === null ? (step > 0 ? 0 : size - 1) : within(begin);
  const stop = end === null ? (step > 0 ? size : -1) : within(end);
  return { start, step, count: Math.max(0, Math.ceil((stop - start) / step)), kept: true };
}
