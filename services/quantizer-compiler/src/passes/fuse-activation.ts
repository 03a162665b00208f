// RELU and RELU6 move into the convolution, dense layer or arithmetic before them, where they cost nothing and where int8 keeps
// its whole range for what they let through.
import { activations } from '@atoll/tflite/enums';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { compact, producers, useCounts } from '../graph/rewrite.js';

/** Fuses every RELU and RELU6 whose input is read by nothing else and made by an operation that can take it. */
export function fuseActivations(graph: Graph): Graph {
  const makers = producers(graph);
  const counts = useCounts(graph);
  const replaced = new Map<Op, Op | null>();
  for (const op of graph.ops) {
    const activation = op.kind === 'RELU' ? activations.RELU : op.kind === 'RELU6' ? activations.RELU6 : null;
    const [input = -1] = op.inputs;
    const maker = makers.get(input);
    if (activation === null || maker === undefined || counts[input] !== 1) continue;
    const { options } = maker;
    if (opTable[maker.kind]?.fuses !== true || options === null || !('activation' in options)) continue;
    if (options.activation !== activations.NONE) continue;
    replaced.set(maker, { ...maker, outputs: op.outputs, options: { ...options, activation } });
    replaced.set(op, null);
  }
  const ops = graph.ops.map((op) => (replaced.has(op) ? replaced.get(op) : op));
  return compact({ ...graph, ops: ops.filter((op) => op !== null && op !== undefined) });
}
