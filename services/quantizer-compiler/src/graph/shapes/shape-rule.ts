// What the shape functions share: how they are called, how they read int32 operands, and how they refuse. Options and operands
// may come from a hostile file, so every one is checked before it is used as a size or an axis.
import { AtollError } from '@atoll/base/error';
import type { Op, Value } from '../graph.js';

/** Sizes of a tensor, outermost first. */
export type Shape = readonly number[];

/** The parts of an operation that decide its shapes. */
export type ShapedOp = Pick<Op, 'kind' | 'options'>;

/** Shapes of all outputs, or null where an operand that decides them is not constant yet. */
export type ShapeRule = (op: ShapedOp, inputs: readonly Value[]) => readonly Shape[] | null;

/** The refusal of an operation whose options, operands or input shapes make no sense together. */
export function shapeFault(op: ShapedOp, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot shape ${op.kind}: ${why}`);
}

/** The input at a place. */
export function inputAt(op: ShapedOp, inputs: readonly Value[], place: number): Value {
  const input = inputs[place];
  if (input === undefined) throw shapeFault(op, `it has no input ${place}`);
  return input;
}

/** The numbers of a constant int32 operand, or null while it is not constant. */
export function integersAt(op: ShapedOp, inputs: readonly Value[], place: number): readonly number[] | null {
  const { data, name } = inputAt(op, inputs, place);
  if (data === null) return null;
  if (!(data instanceof Int32Array)) throw shapeFault(op, `${name} is no int32 operand`);
  return [...data];
}

/** An axis counted from the front, given one that may count from the back. */
export function axisIn(op: ShapedOp, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw shapeFault(op, `axis ${axis} is none of ${rank} dimensions`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** The sizes of a tensor that must have 4 dimensions. */
export function fourDimensions(op: ShapedOp, value: Value): readonly [number, number, number, number] {
  const [batch, height, width, channels] = value.shape;
  if (
    value.shape.length !== 4 ||
    batch === undefined ||
    height === undefined ||
    width === undefined ||
    channels === undefined
  ) {
    throw shapeFault(op, `${value.name} has shape [${value.shape.join(', ')}], not 4 dimensions`);
  }
  return [batch, height, width, channels];
}

/** Options of the type that the operation needs. */
export function optionsOf<T extends NonNullable<ShapedOp['options']>['type']>(
  op: ShapedOp,
  type: T,
): Extract<NonNullable<ShapedOp['options']>, { readonly type: T }> {
  const { options } = op;
  if (options === null || options.type !== type) throw shapeFault(op, `it has no ${type}`);
  return options as Extract<NonNullable<ShapedOp['options']>, { readonly type: T }>;
}

/** A size that must be a positive whole number: a stride, a block. */
export function positive(op: ShapedOp, what: string, size: number): number {
  if (!Number.isInteger(size) || size < 1) throw shapeFault(op, `its ${what} is ${size}`);
  return size;
}
