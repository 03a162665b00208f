// Every convolution and dense layer gets a bias: without one, int8 FULLY_CONNECTED is a newer operator than the Edge TPU
// compiler takes.
import type { Graph, Op, Value } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { valueAt } from '../graph/graph.js';

/** Adds a zero bias where there is none. */
export function addBias(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const ops = graph.ops.map((op): Op => {
    const [input = -1, weights = -1] = op.inputs;
    if (opTable[op.kind]?.weights === undefined || op.inputs.length !== 2) return op;
    const output = valueAt(graph, op.outputs[0] ?? -1);
    const channels = output.shape.at(-1) ?? 1;
    const bias: Value = {
      name: `${output.name}/zero_bias`,
      type: 'float32',
      shape: [channels],
      data: new Float32Array(channels),
      quantization: null,
    };
    values.push(bias);
    return { ...op, inputs: [input, weights, values.length - 1] };
  });
  return { ...graph, values, ops };
}
