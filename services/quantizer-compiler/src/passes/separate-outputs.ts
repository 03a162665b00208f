// Every output of the graph is a tensor of its own: of one that is listed twice, or that is an input as well, runtimes fill one
// buffer and leave the other as it was. A RESHAPE to the same shape copies it.
import { valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { reshapeOp } from '../graph/reshape-op.js';
import { UniqueNames } from '../graph/unique-names.js';

/** Copies outputs that are inputs, and all but the first of those that are the same. */
export function separateOutputs(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const copies: Op[] = [];
  const names = new UniqueNames();
  for (const { name } of values) names.take(name);
  const add = (value: Value): number => values.push({ ...value, name: names.take(value.name) }) - 1;
  const taken = new Set(graph.inputs);
  const outputs = graph.outputs.map((index) => {
    if (!taken.has(index)) {
      taken.add(index);
      return index;
    }
    const value = valueAt(graph, index);
    const copy = add(value);
    copies.push(reshapeOp(index, copy, value, add));
    return copy;
  });
  return copies.length === 0 ? graph : { ...graph, values, ops: [...graph.ops, ...copies], outputs };
}
