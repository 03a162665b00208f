// Every convolution and dense layer gets a bias: without one, int8 FULLY_CONNECTED is a newer operator than the Edge TPU
// compiler takes; and what later passes and the correction of biases add needs a place.
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { applyRule, Draft } from './rule.js';
import type { Change, View } from './rule.js';

/** Adds a zero bias where there is none. */
export function addBias(graph: Graph): Graph {
  return applyRule(graph, zeroBias);
}

function zeroBias(view: View, op: Op): Change | null {
  const rule = opTable[op.kind]?.weights;
  if (rule === undefined || op.inputs.length !== rule.bias) return null;
  // Where the weights are computed, or float16, nothing is gained.
  if (floatData(view.graph.values[op.inputs[rule.weights] ?? -1]) === null) return null;
  const output = valueAt(view.graph, op.outputs[0] ?? -1);
  const channels = output.shape.at(-1) ?? 1;
  const draft = new Draft(view);
  const bias = draft.add({
    name: `${output.name}/zero_bias`,
    type: 'float32',
    shape: [channels],
    data: new Float32Array(channels),
    quantization: null,
  });
  draft.replace(op, [{ ...op, inputs: [...op.inputs, bias] }]);
  return draft.change();
}
