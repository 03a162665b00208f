// What no output of the graph needs goes: operations whose results nothing reads, and values that nothing refers to. The graph's
// inputs stay, read or not: they are its border.
import { compact } from '../graph/rewrite.js';
import type { Graph, Op } from '../graph/graph.js';

/** Drops dead operations and values. */
export function dropDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const ops: Op[] = [];
  for (const op of graph.ops.toReversed()) {
    if (!op.outputs.some((output) => needed.has(output))) continue;
    for (const input of op.inputs) needed.add(input);
    ops.push(op);
  }
  return compact({ ...graph, ops: ops.toReversed() });
}
