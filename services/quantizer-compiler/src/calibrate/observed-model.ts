// The float model with every activation as an output: running it shows each tensor's values.
import { valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';

/** A value to observe: its name and the size of its last axis. */
export interface ObservedValue {
  readonly name: string;
  readonly channels: number;
  /** It is what a SOFTMAX reads: every photo's values are kept, not only their range. */
  readonly logits: boolean;
}

/** The graph to run, and the values to observe: its input first, then its outputs in their order. */
export interface ObservedGraph {
  readonly graph: Graph;
  readonly values: readonly ObservedValue[];
}

/** Makes an output of every activation. */
export function observeAll(graph: Graph): ObservedGraph {
  const outputs = graph.ops.flatMap((op) => op.outputs);
  const logits = new Set(graph.ops.filter(({ kind }) => kind === 'SOFTMAX').flatMap(({ inputs }) => inputs));
  const values = [...graph.inputs, ...outputs].map((index) => {
    const { name, shape } = valueAt(graph, index);
    return { name, channels: shape.at(-1) ?? 1, logits: logits.has(index) };
  });
  return { graph: { ...graph, outputs }, values };
}
