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

/** What a STRIDED_SLICE takes along every axis of its input, or null while its operands are not constant. New axes are refused. */
export function stridedSliceAxes(op: ShapedOp, inputs: Parameters<ShapeRule>[1]): readonly AxisSlice[] | null {
  const { shape } = inputAt(op, inputs, 0);
  const options = optionsOf(op, 'StridedSliceOptions');
  const [begin, end, strides] = [integersAt(op, inputs, 1), integersAt(op, inputs, 2), integersAt(op, inputs, 3)];
  if (begin === null || end === null || strides === null) return null;
  if (options.ellipsisMask !== 0 || options.newAxisMask !== 0 || options.offset) {
    throw shapeFault(op, 'an ellipsis, new axes and offsets are not supported');
  }
  if (begin.length > shape.length || end.length !== begin.length || strides.length !== begin.length) {
    throw shapeFault(op, `begin, end and strides do not fit [${shape.join(', ')}]`);
  }
  return shape.map((size, axis): AxisSlice => {
    const step = strides[axis] ?? 1;
    if (step === 0) throw shapeFault(op, 'a stride is 0');
    const bit = 1 << axis;
    const sliced = axis < begin.length;
    const last = step > 0 ? size : size - 1;
    const least = step > 0 ? 0 : -1;
    const within = (index: number): number => Math.min(last, Math.max(least, index < 0 ? index + size : index));
    const start = !sliced || (options.beginMask & bit) !== 0 ? (step > 0 ? 0 : size - 1) : within(begin[axis] ?? 0);
    if (sliced && (options.shrinkAxisMask & bit) !== 0) {
      if (start < 0 || start >= size) throw shapeFault(op, `index ${begin[axis]} is none of ${size}`);
      return { start, step: 1, count: 1, kept: false };
    }
    const stop = !sliced || (options.endMask & bit) !== 0 ? (step > 0 ? size : -1) : within(end[axis] ?? 0);
    return { start, step, count: Math.max(0, Math.ceil((stop - start) / step)), kept: true };
  });
}

/** STRIDED_SLICE. */
export const stridedSliced: ShapeRule = (op, inputs) => {
  const axes = stridedSliceAxes(op, inputs);
  return axes === null ? null : [axes.flatMap(({ kept, count }) => (kept ? [count] : []))];
};
