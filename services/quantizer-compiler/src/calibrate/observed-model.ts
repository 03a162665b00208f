// The float model with every activation as an output: running it shows each tensor's values.
import type { Graph } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';

/** The graph to run, and the names of the observed values in the order of its outputs. */
export interface ObservedGraph {
  readonly graph: Graph;
  readonly names: readonly string[];
}

/** Makes an output of every value whose range decides its int8 parameters; others follow from those or are fixed. */
export function observeAll(graph: Graph): ObservedGraph {
  const observed = graph.ops
    .filter(({ kind }) => opTable[kind]?.int8 === 'free' || opTable[kind]?.int8 === 'join')
    .flatMap(({ outputs }) => outputs);
  const outputs = observed.length === 0 ? graph.outputs : observed;
  return { graph: { ...graph, outputs }, names: outputs.map((index) => graph.values[index]?.name ?? '') };
}
