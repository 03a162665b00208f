// Operations on elements: the output has the shape of the input, or the shape that two inputs stretch to.
import type { Shape, ShapedOp, ShapeRule } from './shape-rule.js';
import { axisIn, inputAt, integersAt, optionsOf, shapeFault } from './shape-rule.js';

/** One input, its shape kept. */
export const sameShape: ShapeRule = (op, inputs) => [inputAt(op, inputs, 0).shape];

/** Two inputs that stretch to each other. */
export const stretched: ShapeRule = (op, inputs) => {
  const [a, b] = [inputAt(op, inputs, 0).shape, inputAt(op, inputs, 1).shape];
  return [broadcast(op, a, b)];
};

/** PRELU: the slopes stretch to the input, never the other way. */
export const prelu: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const slopes = inputAt(op, inputs, 1).shape;
  if (broadcast(op, shape, slopes).join() !== shape.join()) {
    throw shapeFault(op, `slopes [${slopes.join(', ')}] do not fit [${shape.join(', ')}]`);
  }
  return [shape];
};

/** MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD over the axes of the second operand. */
export const reduced: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const { keepDims } = optionsOf(op, 'ReducerOptions');
  const axes = integersAt(op, inputs, 1);
  if (axes === null) return null;
  const gone = new Set(axes.map((axis) => axisIn(op, axis, shape.length)));
  return [shape.flatMap((size, axis) => (gone.has(axis) ? (keepDims ? [1] : []) : [size]))];
};

/** ARG_MAX and ARG_MIN: the axis of the second operand goes. */
export const indexOfBest: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const axes = integersAt(op, inputs, 1);
  if (axes === null) return null;
  const [axis = Number.NaN] = axes;
  if (axes.length !== 1) throw shapeFault(op, `it has ${axes.length} axes`);
  return [shape.toSpliced(axisIn(op, axis, shape.length), 1)];
};

/** The common shape of two that differ only where one is 1 or missing. */
function broadcast(op: ShapedOp, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw shapeFault(op, `[${a.join(', ')}] and [${b.join(', ')}] do not stretch to each other`);
    }
    return left === 1 ? right : left;
  });
}
