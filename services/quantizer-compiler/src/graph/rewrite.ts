import type { Graph, Op, Value } from './graph.js';

/** How often each value is read, the graph's outputs included. */
export function useCounts(graph: Graph): readonly number[] {
  const counts = graph.values.map(() => 0);
  for (const index of [...graph.ops.flatMap(({ inputs }) => inputs), ...graph.outputs]) {
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

/** The operation that makes each value; nothing for inputs and constants. */
export function producers(graph: Graph): ReadonlyMap<number, Op> {
  return new Map(graph.ops.flatMap((op) => op.outputs.map((output) => [output, op] as const)));
}

/** Drops values that nothing refers to, and renumbers the rest. */
export function compact(graph: Graph): Graph {
  const used = new Set([
    ...graph.inputs,
    ...graph.outputs,
    ...graph.ops.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
  ]);
  const numbers = new Map<number, number>();
  const values: Value[] = [];
  graph.values.forEach((value, index) => {
    if (!used.has(index)) return;
    numbers.set(index, values.length);
    values.push(value);
  });
  const renumber = (indices: readonly number[]): number[] => indices.map((index) => numbers.get(index) ?? -1);
  return {
    ...graph,
    values,
    ops: graph.ops.map((op) => ({ ...op, inputs: renumber(op.inputs), outputs: renumber(op.outputs) })),
    inputs: renumber(graph.inputs),
    outputs: renumber(graph.outputs),
  };
}
