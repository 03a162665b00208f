// Operations that give what they get: reshapes to the same shape or right after one another, transpositions that move nothing but
// sizes of 1 or undo each other, factors of 1, addends of 0, paddings, slices and resizings by nothing, joins of one, a second ReLU.
import { activations } from '@atoll/tflite/enums';
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
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
  const { graph } = view;
  const [input = -1, second = -1] = op.inputs;
  const before = valueAt(graph, input);
  const after = valueAt(graph, op.outputs[0] ?? -1);
  if (before.shape.join() !== after.shape.join() || before.type !== after.type || before.data !== null) return false;
  if (fusedActivation(op) !== activations.NONE) return false;
  const constant = graph.values[second]?.data;
  const all = (one: number): boolean => constant !== undefined && constant !== null && constant.every((x) => x === one);
  switch (op.kind) {
    case 'RESHAPE':
    case 'PAD':
    case 'PADV2':
    case 'MIRROR_PAD':
    case 'SLICE':
    case 'TILE':
    case 'RESIZE_BILINEAR':
    case 'RESIZE_NEAREST_NEIGHBOR':
      return true;
    case 'STRIDED_SLICE':
      // A slice as large as the whole is the whole, unless it goes backward.
      return graph.values[op.inputs[3] ?? -1]?.data?.every((step) => step > 0) === true;
    case 'CONCATENATION':
      return op.inputs.length === 1;
    case 'MUL':
      return floatData(graph.values[second]) !== null && all(1);
    case 'ADD':
      return floatData(graph.values[second]) !== null && all(0);
    case 'MAX_POOL_2D':
    case 'AVERAGE_POOL_2D':
      return op.options?.type === 'Pool2DOptions' && op.options.filterHeight * op.options.filterWidth === 1;
    case 'TRANSPOSE':
      return constant?.every((axis, place) => axis === place) === true;
    case 'RELU':
    case 'RELU6':
    case 'RELU_N1_TO_1':
      return isBounded(view, input, op.kind);
    default:
      return false;
  }
}

/** True when what makes a value keeps to the bounds of an activation already. */
function isBounded(view: View, index: number, kind: 'RELU' | 'RELU6' | 'RELU_N1_TO_1'): boolean {
  const maker = view.makers.get(index);
  if (maker === undefined) return false;
  const fused = fusedActivation(maker);
  const within = { RELU: 'RELU', RELU6: 'RELU6', RELU_N1_TO_1: 'RELU_N1_TO_1' } as const;
  if (maker.kind === within[kind] || fused === activations[within[kind]]) return true;
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
  const target = draft.add({
    name: `${output.name}/shape`,
    type: 'int32',
    shape: [output.shape.length],
    data: Int32Array.from(output.shape),
    quantization: null,
  });
  const options = { type: 'ReshapeOptions', newShape: output.shape } as const;
  draft.replace(op, [{ kind: 'RESHAPE', inputs: [input, target], outputs: op.outputs, options }]);
  return draft.change();
}
