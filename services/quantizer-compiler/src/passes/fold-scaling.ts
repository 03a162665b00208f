// A multiplication or addition of one constant before a convolution or dense layer disappears into its weights and bias:
//   conv(a * x, w) = conv(x, a * w)      conv(x + c, w) = conv(x, w) + c * sum(w)   (without padding)
// It is how a Rescaling layer at the input goes away. With padding an addition stays: the border would get another value.
import { activations, paddings } from '@atoll/tflite/enums';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { compact, producers, useCounts } from '../graph/rewrite.js';

/** Folds until nothing folds any more. */
export function foldScaling(graph: Graph): Graph {
  for (let current = graph; ;) {
    const folded = foldOnce(current);
    if (folded === null) return current;
    current = folded;
  }
}

function foldOnce(graph: Graph): Graph | null {
  const makers = producers(graph);
  const counts = useCounts(graph);
  for (const op of graph.ops) {
    const [input = -1, weights = -1, bias = -1] = op.inputs;
    const before = makers.get(input);
    const constant = before === undefined ? null : scalarOperand(graph, before);
    if (before === undefined || constant === null || counts[input] !== 1) continue;
    if (counts[weights] !== 1 || counts[bias] !== 1 || !folds(op, before)) continue;
    const kernel = floatData(graph.values[weights]);
    const shift = floatData(graph.values[bias]);
    if (kernel === null || shift === null) continue;
    const values = [...graph.values];
    if (before.kind === 'MUL') {
      values[weights] = withData(
        valueAt(graph, weights),
        kernel.map((weight) => weight * constant),
      );
    } else {
      values[bias] = withData(
        valueAt(graph, bias),
        shift.map((one, channel) => one + constant * rowSum(kernel, channel, shift.length)),
      );
    }
    const [source = -1] = before.inputs;
    const ops = graph.ops
      .filter((one) => one !== before)
      .map((one) => (one === op ? { ...op, inputs: [source, weights, bias] } : one));
    return compact({ ...graph, values, ops });
  }
  return null;
}

function folds(op: Op, before: Op): boolean {
  if (op.kind === 'FULLY_CONNECTED') return true;
  if (op.kind !== 'CONV_2D') return false;
  return before.kind === 'MUL' || (op.options?.type === 'Conv2DOptions' && op.options.padding === paddings.VALID);
}

/** The single constant that a plain MUL or ADD applies to its first input, or null when it is something else. */
function scalarOperand(graph: Graph, { kind, inputs, options }: Op): number | null {
  if (kind !== 'MUL' && kind !== 'ADD') return null;
  if (options === null || !('activation' in options) || options.activation !== activations.NONE) return null;
  const data = floatData(graph.values[inputs[1] ?? -1]);
  return data?.length === 1 ? (data[0] ?? null) : null;
}

/** Sum of the weights of one output channel; channels are the first axis. */
function rowSum(kernel: Float32Array, channel: number, channels: number): number {
  const row = kernel.length / channels;
  return kernel.subarray(channel * row, (channel + 1) * row).reduce((sum, weight) => sum + weight, 0);
}

function withData(value: Value, data: Float32Array): Value {
  return { ...value, data };
}
