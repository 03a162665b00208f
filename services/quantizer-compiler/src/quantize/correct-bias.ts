// Rounded weights shift the mean of every output channel: by sum over k of (scale * q_k - w_k) * E[x_k], where E[x_k] is the
// mean of the input on the representative photos. The bias takes that shift back. It changes no operation and no scale.
// Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2, empirical form.
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import type { Assignment } from './assign.js';
import { quantizeWeights } from './weights.js';

/** The graph with corrected biases; `channelMeans` are means along the last axis, by value name. */
export function correctBias(
  graph: Graph,
  assigned: Assignment,
  channelMeans: ReadonlyMap<string, Float64Array>,
): Graph {
  const values = [...graph.values];
  for (const op of graph.ops) {
    const rule = opTable[op.kind]?.weights;
    const [input = -1] = op.inputs;
    const bias = op.inputs[rule?.bias ?? -1] ?? -1;
    const means = channelMeans.get(graph.values[input]?.name ?? '');
    const data = floatData(graph.values[bias]);
    const isConstant = floatData(graph.values[op.inputs[rule?.weights ?? -1] ?? -1]) !== null;
    // Which weights of a transposed convolution meet in one output value depends on its place.
    if (op.kind === 'TRANSPOSE_CONV' || !isConstant || means === undefined || data === null) continue;
    const shift = meanShift(graph, op, assigned.get(input)?.scale[0] ?? 1, means);
    values[bias] = { ...valueAt(graph, bias), data: data.map((value, channel) => value - (shift[channel] ?? 0)) };
  }
  return { ...graph, values };
}

/** Mean shift of each output channel. */
function meanShift(graph: Graph, op: Op, inputScale: number, means: Float64Array): Float64Array {
  const [, weightIndex = -1, biasIndex = -1] = op.inputs;
  const { shape, data } = valueAt(graph, weightIndex);
  const weights = data instanceof Float32Array ? data : new Float32Array();
  const bias = floatData(graph.values[biasIndex]) ?? new Float32Array();
  const perChannel = opTable[op.kind]?.weights?.perChannel ?? null;
  const quantized = quantizeWeights(weights, shape, bias, perChannel, inputScale);
  const scales = quantized.weightParams.scale;
  const shift = new Float64Array(bias.length);
  const depthwise = op.kind === 'DEPTHWISE_CONV_2D';
  const last = shape.at(-1) ?? 1;
  const inner = weights.length / bias.length;
  const multiplier = last / means.length;
  // Each group of a grouped convolution reads channels of its own.
  const filtersOfGroup = (bias.length * last) / means.length;
  weights.forEach((weight, at) => {
    const channel = depthwise ? at % last : Math.floor(at / inner);
    const source = depthwise
      ? Math.floor((at % last) / multiplier)
      : Math.floor(channel / filtersOfGroup) * last + (at % last);
    const scale = scales[scales.length > 1 ? channel : 0] ?? 1;
    const error = scale * (quantized.weights[at] ?? 0) - weight;
    shift[channel] = (shift[channel] ?? 0) + error * (means[source] ?? 0);
  });
  return shift;
}
