// Operations that compute shapes and indices; they are folded away before a model is written.
import type { ShapeRule } from './shape-rule.js';
import { inputAt, integersAt, shapeFault } from './shape-rule.js';

/** SHAPE: one number a dimension. */
export const shapeOf: ShapeRule = (op, inputs) => [[inputAt(op, inputs, 0).shape.length]];

/** FILL: the shape is the first operand. */
export const filled: ShapeRule = (op, inputs) => {
  const shape = integersAt(op, inputs, 0);
  return shape === null ? null : [shape];
};

/** RANGE from, to (excluded), step. */
export const ranged: ShapeRule = (op, inputs) => {
  const [from, to, step] = [integersAt(op, inputs, 0), integersAt(op, inputs, 1), integersAt(op, inputs, 2)];
  if (from === null || to === null || step === null) return null;
  const count = Math.ceil(((to[0] ?? 0) - (from[0] ?? 0)) / (step[0] ?? 0));
  if (!Number.isFinite(count) || count < 1) throw shapeFault(op, `from ${from[0]} to ${to[0]} in steps of ${step[0]}`);
  return [[count]];
};
