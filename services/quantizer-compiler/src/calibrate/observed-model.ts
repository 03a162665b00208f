// The float model with every activation as an output: running it shows each tensor's values.
import { valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { windowOf } from './weight-inputs.js';
import type { Window } from './weight-inputs.js';

/** A value to observe: its name and the size of its last axis. */
export interface ObservedValue {
  readonly name: string;
  readonly channels: number;
  /** It is what a SOFTMAX reads: its rows are kept, not only their range. */
  readonly logits: boolean;
  /** Layers that multiply it with weights, by the names of their outputs. */
  readonly readers: readonly { readonly layer: string; readonly window: Window }[];
}

/** The graph to run, and the values to observe: its inputs first, then its outputs in their order. */
export interface ObservedGraph {
  readonly graph: Graph;
  readonly values: readonly ObservedValue[];
}

/** Makes an output of every float activation; `withReaders` also observes what weights are multiplied with. */
export function observeAll(graph: Graph, withReaders: boolean): ObservedGraph {
  const outputs = graph.ops.flatMap((op) => op.outputs).filter((index) => valueAt(graph, index).type === 'float32');
  const logits = new Set(graph.ops.filter(({ kind }) => kind === 'SOFTMAX').flatMap(({ inputs }) => inputs));
  const readers = new Map<number, { layer: string; window: Window }[]>();
  for (const op of withReaders ? graph.ops : []) {
    const found = windowOf(graph, op);
    if (found === null) continue;
    const layer = valueAt(graph, op.outputs[0] ?? -1).name;
    readers.set(found.input, [...(readers.get(found.input) ?? []), { layer, window: found.window }]);
  }
  const values = [...graph.inputs, ...outputs].map((index) => {
    const { name, shape } = valueAt(graph, index);
    return { name, channels: shape.at(-1) ?? 1, logits: logits.has(index), readers: readers.get(index) ?? [] };
  });
  return { graph: { ...graph, outputs }, values };
}
