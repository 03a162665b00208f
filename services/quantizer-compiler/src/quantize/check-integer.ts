// The last look at a full-integer graph before it is called one: floats may pass its borders and nothing else. A file that
// computes on floats in between would run, slowly and not at all on an Edge TPU, and nobody would know.
import { AtollError } from '@atoll/base/error';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';

/** Refuses a graph with a float value between its borders, or with an 8-bit value that has no scale. INTERNAL names it. */
export function checkInteger(graph: Graph): void {
  const inputs = new Set(graph.inputs);
  const outputs = new Set(graph.outputs);
  for (const op of graph.ops) {
    for (const index of op.inputs) {
      checkValue(graph, op, index, op.kind === 'QUANTIZE' && inputs.has(index));
    }
    for (const index of op.outputs) {
      checkValue(graph, op, index, op.kind === 'DEQUANTIZE' && outputs.has(index));
    }
  }
}

function checkValue(graph: Graph, op: Op, index: number, isBorder: boolean): void {
  const { name, type, quantization } = valueAt(graph, index);
  const isFloat = type === 'float32' || type === 'float16';
  if (isFloat ? isBorder : type === 'int32' || quantization !== null) return;
  throw new AtollError(
    'INTERNAL',
    `cannot call ${graph.name} full-integer: ${op.kind} uses ${JSON.stringify(name)}, which is ${isFloat ? type : `${type} without a scale`}`,
  );
}
