import { printable } from '@atoll/base/printable';
import { operatorName } from '@atoll/tflite/model';
import type { Operator, Subgraph, Tensor, TfLiteModel } from '@atoll/tflite/model';

/** An operand as the mapping rules see it. */
export interface OperandView {
  readonly tensor: Tensor;
  /** Its value is in the file: weights, bias, axes. */
  readonly constant: boolean;
  /** The bytes of a constant; empty otherwise. */
  readonly data: Uint8Array;
}

/** An operator as the mapping rules see it; absent optional inputs are null. */
export interface OpView {
  readonly index: number;
  readonly name: string;
  readonly version: number;
  readonly options: Operator['options'];
  readonly inputs: readonly (OperandView | null)[];
  readonly outputs: readonly OperandView[];
  readonly operator: Operator;
}

/** The operators of a subgraph in execution order, with their operands looked up. */
export function viewOps(model: TfLiteModel, subgraph: Subgraph): readonly OpView[] {
  const operand = (index: number): OperandView | null => {
    const tensor = subgraph.tensors[index];
    if (tensor === undefined) return null;
    const data = model.buffers[tensor.buffer] ?? new Uint8Array();
    return { tensor, constant: data.length > 0, data };
  };
  return subgraph.operators.map((operator, index) => ({
    index,
    name: operatorName(model, operator),
    version: model.operatorCodes[operator.opcode]?.version ?? 1,
    options: operator.options,
    inputs: operator.inputs.map(operand),
    outputs: operator.outputs.map(operand).filter((one) => one !== null),
    operator,
  }));
}

/** The operands whose values flow through the model at run time: no weights, no internal state. */
export function flowing(op: OpView): readonly OperandView[] {
  const inputs = op.inputs.filter((input) => input !== null);
  return [...inputs.filter(({ constant, tensor }) => !constant && !tensor.isVariable), ...op.outputs];
}

/** The int32 values of a constant operand, or null when it is not constant. */
export function constantInts(operand: OperandView | null | undefined): readonly number[] | null {
  if (operand === null || operand === undefined || !operand.constant || operand.tensor.type !== 'int32') return null;
  const { data } = operand;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: Math.floor(data.length / 4) }, (_, index) => view.getInt32(4 * index, true));
}

/**
 * By how much a resize enlarges, the greater of both directions, 1 at least. With aligned corners the distance between the
 * outermost pixels counts, so that 33 to 65 is a doubling and 1 to anything has no bound. Source: resize_bilinear.cc of LiteRT.
 */
export function growth({ inputs, outputs, options }: OpView): number {
  const before = inputs[0]?.tensor.shape ?? [];
  const after = outputs[0]?.tensor.shape ?? [];
  const less = options !== null && 'alignCorners' in options && options.alignCorners ? 1 : 0;
  const along = (axis: number): number => {
    const [from, to] = [(before[axis] ?? 1) - less, (after[axis] ?? 1) - less];
    return to <= from ? 1 : to / from;
  };
  return Math.max(along(1), along(2));
}

/** The name by which an operator is found in its model: that of its first output. */
export function tensorName(op: OpView): string {
  return op.outputs[0]?.tensor.name ?? `operator ${op.index}`;
}

/** Fused layers have names of hundreds of letters. */
const maxNameLength = 200;

/** The same for a line of text, cut where it is very long. */
export function shownName(op: OpView): string {
  const name = tensorName(op);
  return printable(name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name);
}
