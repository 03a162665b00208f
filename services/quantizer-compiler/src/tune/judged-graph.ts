// The graph that candidates are judged by: it ends before each last SOFTMAX, whose 256 steps would hide small differences.
import { valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { producers } from '../graph/rewrite.js';
import type { JudgedOutput } from './outputs-error.js';

/** The shortened graph (values keep their indices) and its outputs in order. */
export interface JudgedGraph {
  readonly graph: Graph;
  readonly outputs: readonly JudgedOutput[];
}

/** Cuts the graph; outputs that are not float, such as the index of the best class, are not judged. */
export function judgedGraph(graph: Graph): JudgedGraph {
  const makers = producers(graph);
  const outputs = graph.outputs
    .map((index) => {
      const maker = makers.get(index);
      const [logits = -1] = maker?.inputs ?? [];
      return maker?.kind === 'SOFTMAX' ? { index: logits, logits: true } : { index, logits: false };
    })
    .filter(({ index }) => valueAt(graph, index).type === 'float32');
  const unique = outputs.filter(({ index }, at) => outputs.findIndex((one) => one.index === index) === at);
  const needed = new Set(unique.map(({ index }) => index));
  const ops = graph.ops
    .toReversed()
    .filter((op) => {
      if (!op.outputs.some((index) => needed.has(index))) return false;
      for (const input of op.inputs) needed.add(input);
      return true;
    })
    .toReversed();
  return {
    graph: { ...graph, ops, outputs: unique.map(({ index }) => index) },
    outputs: unique.map(({ index, logits }) => {
      const { name, shape } = valueAt(graph, index);
      return { name, channels: shape.at(-1) ?? 1, logits };
    }),
  };
}
