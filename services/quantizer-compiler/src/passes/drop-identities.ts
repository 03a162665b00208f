// Operations that give what they get: reshapes to the same shape or right after one another, transpositions that move nothing but
// sizes of 1 or undo each other, factors of 1, addends of 0, paddings, slices and resizings by nothing, joins of one, a second ReLU.
import { activations } from '@atoll/tflite/enums';
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { reshapeOp } from '../graph/reshape-op.js';
import { applyRule, bypass, Draft } from './rule.js';
import type { Change, View } from './rule.js';
import { fusedActivation } from './weighted.js';

/** Drops them all. */
export function dropIdentities(graph: Graph): Graph {
  return applyRule(graph, (view, op) => {
    const [input = -1] = op.inputs;
    const [output = -1] = op.outputs;
    if (op.outputs.length !== 1 || valueAt(view.graph, output).type === 'int32') return null;
    if (changesNothing(view, op)) {
      const dropped = bypass(view, op, input);
      if (dropped !== null) return dropped;
    }
    return chainedReshape(view, op) ?? chainedTranspose(view, op) ?? restingTranspose(view, op);
  });
}

function changesNothing(view: View, op: Op): boolean {
  const [input = -1] = op.inputs;
  const before = valueAt(view.graph, input);
  const after = valueAt(view.graph, op.outputs[0] ?? -1);
  if (before.shape.join() !== after.shape.join() || before.type !== after.type || before.data !== null) return false;
  return fusedActivation(op) === activations.NONE && idle[op.kind]?.(view, op) === true;
}

type IdleRule = (view: View, op: Op) => boolean;

const always: IdleRule = () => true;
const addsNothing = (nothing: number): IdleRule => {
  return ({ graph }, { inputs }) => floatData(graph.values[inputs[1] ?? -1])?.every((one) => one === nothing) === true;
};
const onePlace: IdleRule = (_view, { options }) =>
  options?.type === 'Pool2DOptions' && options.filterHeight * options.filterWidth === 1;
const bounds = (kind: 'RELU' | 'RELU6' | 'RELU_N1_TO_1'): IdleRule => {
  return (view, { inputs }) => isBounded(view, inputs[0] ?? -1, kind);
};

/** When an operation whose output has the shape of its input gives the input. */
const idle: Readonly<Partial<Record<Op['kind'], IdleRule>>> = {
  RESHAPE: always,
  PAD: always,
  PADV2: always,
  MIRROR_PAD: always,
  SLICE: always,
  TILE: always,
  RESIZE_BILINEAR: always,
  RESIZE_NEAREST_NEIGHBOR: always,
  // A slice as large as the whole is the whole, unless it goes backward.
  STRIDED_SLICE: ({ graph }, { inputs }) => graph.values[inputs[3] ?? -1]?.data?.every((step) => step > 0) === true,
  CONCATENATION: (_view, { inputs }) => inputs.length === 1,
  MUL: addsNothing(1),
  ADD: addsNothing(0),
  MAX_POOL_2D: onePlace,
  AVERAGE_POOL_2D: onePlace,
  TRANSPOSE: ({ graph }, { inputs }) =>
    graph.values[inputs[1] ?? -1]?.data?.every((axis, place) => axis === place) === true,
  RELU: bounds('RELU'),
  RELU6: bounds('RELU6'),
  RELU_N1_TO_1: bounds('RELU_N1_TO_1'),
};

/** True when what makes a value keeps to the bounds of an activation already. */
function isBounded(view: View, index: number, kind: 'RELU' | 'RELU6' | 'RELU_N1_TO_1'): boolean {
  const maker = view.makers.get(index);
  if (maker === undefined) return false;
  const fused = fusedActivation(maker);
  if (maker.kind === kind || fused === activations[kind]) return true;
  const notNegative = maker.kind === 'RELU6' || fused === activations.RELU6;
  const withinOne = maker.kind === 'SOFTMAX' || maker.kind === 'LOGISTIC';
  return withinOne || (kind === 'RELU' && notNegative);
}

/** A reshape reads what the reshape before it reads. */
function chainedReshape(view: View, op: Op): Change | null {
  const [input = -1, ...rest] = op.inputs;
  const before = view.makers.get(input);
  if (op.kind !== 'RESHAPE' || before?.kind !== 'RESHAPE') return null;
  return { replaced: new Map([[op, [{ ...op, inputs: [before.inputs[0] ?? -1, ...rest] }]]]) };
}

function chainedTranspose(view: View, op: Op): Change | null {
  const [input = -1, second = -1] = op.inputs;
  const before = view.makers.get(input);
  const outer = view.graph.values[second]?.data;
  const inner = view.graph.values[before?.inputs[1] ?? -1]?.data;
  if (op.kind !== 'TRANSPOSE' || before?.kind !== 'TRANSPOSE' || !(outer instanceof Int32Array) || !inner) return null;
  const order = outer.map((axis) => inner[axis] ?? 0);
  const draft = new Draft(view);
  const constant = draft.add({ ...valueAt(view.graph, second), data: order });
  draft.replace(op, [{ ...op, inputs: [before.inputs[0] ?? -1, constant] }]);
  return draft.change();
}

/** Where only sizes of 1 move, the elements keep their order: it is a reshape. */
function restingTranspose(view: View, op: Op): Change | null {
  const [input = -1, second = -1] = op.inputs;
  const order = view.graph.values[second]?.data;
  const { shape } = valueAt(view.graph, input);
  const output = valueAt(view.graph, op.outputs[0] ?? -1);
  if (op.kind !== 'TRANSPOSE' || !(order instanceof Int32Array) || elementCount(shape) === 0) return null;
  const moved = [...order].filter((axis) => shape[axis] !== 1);
  if (moved.some((axis, place) => place > 0 && axis < (moved[place - 1] ?? 0))) return null;
  const draft = new Draft(view);
  draft.replace(op, [reshapeOp(input, op.outputs[0] ?? -1, output, (value) => draft.add(value))]);
  return draft.change();
}
