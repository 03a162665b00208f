// Dynamic range: weights of convolutions and dense layers as int8, everything else float. Kernels quantize the values of each run on
// the fly, so no photos are needed, and a file is a quarter of the size. As TFLite's converter writes it: convolutions have a
// scale per output channel, dense layers one (per-channel dense is a version that runtimes before 2.17 do not have) and
// asymmetric inputs; small weights stay float, and so do those of operations without such a kernel.
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { compact } from '../graph/rewrite.js';
import { quantizeWeights } from './weights.js';

/** Fewer weights than this save nothing worth an error. */
const leastElements = 1024;

/** Operations with kernels that take int8 weights beside float values. */
const hybrid: ReadonlySet<string> = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED']);

/** The graph with int8 weights; it computes what the float graph does, up to 8-bit rounding of weights and inputs. */
export function toDynamicRange(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const made = new Map<string, number>();
  const ops = graph.ops.map((op): Op => {
    const rule = opTable[op.kind]?.weights;
    if (rule === undefined || !hybrid.has(op.kind)) return op;
    const index = op.inputs[rule.weights] ?? -1;
    const weights = valueAt(graph, index);
    const data = floatData(weights);
    if (data === null || elementCount(weights.shape) < leastElements) return op;
    const key = `${index} ${rule.perChannel}`;
    const eightBit = made.get(key) ?? values.push(int8Weights(weights, data, rule.perChannel)) - 1;
    made.set(key, eightBit);
    const { options } = op;
    const isDense = options?.type === 'FullyConnectedOptions';
    return {
      ...op,
      inputs: op.inputs.with(rule.weights, eightBit),
      options: isDense ? { ...options, asymmetricQuantizeInputs: true } : options,
    };
  });
  return compact({ ...graph, values, ops });
}

function int8Weights(weights: Value, data: Float32Array, perChannel: number | null): Value {
  // The bias stays float: here it only says how many channels there are.
  const channels = new Float32Array(weights.shape[perChannel ?? 0] ?? 1);
  const quantized = quantizeWeights(data, weights.shape, channels, perChannel, 1);
  return {
    ...weights,
    name: `${weights.name}/int8`,
    type: 'int8',
    data: quantized.weights,
    quantization: quantized.weightParams,
  };
}
