// Operations that put several tensors into one or one into several. Source: concatenation.cc, pack.cc, unpack.cc, split.cc,
// split_v.cc and gather.cc of TFLite's kernels.
import type { ShapeRule } from './shape-rule.js';
import { axisIn, inputAt, integersAt, optionsOf, positive, shapeFault } from './shape-rule.js';

/** More outputs than any image model has; a number beyond it would only fill the memory. */
const maxParts = 10_000;

/** CONCATENATION along an axis; all other sizes are equal. */
export const concatenated: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const axis = axisIn(op, optionsOf(op, 'ConcatenationOptions').axis, shape.length);
  for (const other of inputs) {
    if (other.shape.length !== shape.length || other.shape.some((size, at) => at !== axis && size !== shape[at])) {
      throw shapeFault(op, `${other.name} [${other.shape.join(', ')}] does not fit [${shape.join(', ')}]`);
    }
  }
  return [
    shape.with(
      axis,
      inputs.reduce((sum, { shape: one }) => sum + (one[axis] ?? 0), 0),
    ),
  ];
};

/** PACK: equal shapes along a new axis. */
export const packed: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const axis = axisIn(op, optionsOf(op, 'PackOptions').axis, shape.length + 1);
  const other = inputs.find((one) => one.shape.join() !== shape.join());
  if (other !== undefined) throw shapeFault(op, `${other.name} is not of shape [${shape.join(', ')}]`);
  return [shape.toSpliced(axis, 0, inputs.length)];
};

/** UNPACK: an axis goes, with one output for each of its places. */
export const unpacked: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const options = optionsOf(op, 'UnpackOptions');
  const axis = axisIn(op, options.axis, shape.length);
  if (options.num !== shape[axis] || options.num > maxParts)
    throw shapeFault(op, `it gives ${options.num} parts of ${shape[axis]}`);
  const part = shape.toSpliced(axis, 1);
  return Array.from({ length: positive(op, 'number of parts', options.num) }, () => part);
};

/** SPLIT: equal parts along the axis of the first operand. */
export const split: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 1);
  const parts = positive(op, 'number of parts', optionsOf(op, 'SplitOptions').numSplits);
  const axes = integersAt(op, inputs, 0);
  if (axes === null) return null;
  const axis = axisIn(op, axes[0] ?? Number.NaN, shape.length);
  const size = (shape[axis] ?? 0) / parts;
  if (!Number.isInteger(size) || size < 1 || parts > maxParts)
    throw shapeFault(op, `${shape[axis]} does not part in ${parts}`);
  return Array.from({ length: parts }, () => shape.with(axis, size));
};

/** SPLIT_V: parts of the sizes of the second operand, one of which may be -1 for the rest. */
export const splitBySizes: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const sizes = integersAt(op, inputs, 1);
  const axes = integersAt(op, inputs, 2);
  if (sizes === null || axes === null) return null;
  const axis = axisIn(op, axes[0] ?? Number.NaN, shape.length);
  const whole = shape[axis] ?? 0;
  const known = sizes.reduce((sum, size) => sum + Math.max(0, size), 0);
  const open = sizes.filter((size) => size < 0).length;
  if (open > 1 || known > whole || (open === 0 && known !== whole)) {
    throw shapeFault(op, `[${sizes.join(', ')}] are no parts of ${whole}`);
  }
  return sizes.map((size) => shape.with(axis, size < 0 ? whole - known : size));
};

/** GATHER: the axis is replaced by the shape of the indices, the first `batchDims` dimensions being common to both. */
export const gathered: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const indices = inputAt(op, inputs, 1);
  const options = optionsOf(op, 'GatherOptions');
  const axis = axisIn(op, options.axis, shape.length);
  const { batchDims } = options;
  if (!Number.isInteger(batchDims) || batchDims < 0 || batchDims > Math.min(axis, indices.shape.length)) {
    throw shapeFault(op, `it has ${batchDims} batch dimensions`);
  }
  const size = shape[axis] ?? 0;
  const wrong = integersAt(op, inputs, 1)?.find((index) => index < 0 || index >= size);
  if (wrong !== undefined) throw shapeFault(op, `index ${wrong} is none of ${size}`);
  return [[...shape.slice(0, axis), ...indices.shape.slice(batchDims), ...shape.slice(axis + 1)]];
};
