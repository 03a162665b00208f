// Half precision: weights and biases stored as float16, half the size, and made float32 again by a DEQUANTIZE that runtimes compute
// once when they load the model. As TFLite's converter writes it. Constants that float16 cannot hold stay as they are.
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';

/** Constants that are no weights and smaller than this are not worth an operation of their own. */
const leastElements = 1024;

/** The greatest number of float16. */
const greatestHalf = 65504;

/** The graph with float16 constants; it computes what the float graph does, up to 11 bits of weights. */
export function toFloat16(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const outputs = new Set(graph.outputs);
  const wanted = new Set(graph.ops.flatMap((op) => constantsWorthIt(graph, op)));
  const ops: Op[] = [];
  for (const index of wanted) {
    const value = valueAt(graph, index);
    const data = floatData(value);
    if (data === null || outputs.has(index) || data.some((one) => !(Math.abs(one) <= greatestHalf))) continue;
    const stored = values.push({
      ...value,
      name: `${value.name}/float16`,
      type: 'float16',
      data: Uint16Array.from(data, halfBits),
    });
    values[index] = { ...value, data: null };
    ops.push({ kind: 'DEQUANTIZE', inputs: [stored - 1], outputs: [index], options: { type: 'DequantizeOptions' } });
  }
  return { ...graph, values, ops: [...ops, ...graph.ops] };
}

function constantsWorthIt(graph: Graph, op: Op): readonly number[] {
  const rule = opTable[op.kind]?.weights;
  return op.inputs.filter((index, place) => {
    const value = valueAt(graph, index);
    if (floatData(value) === null) return false;
    return place === rule?.weights || place === rule?.bias || elementCount(value.shape) >= leastElements;
  });
}

const scratch = new DataView(new ArrayBuffer(4));

/**
 * The 16 bits of the float16 nearest to a float32, halves to even; beyond 65504 it is infinite.
 * Source: IEEE 754, binary16: 1 sign bit, 5 exponent bits of bias 15, 10 fraction bits.
 */
export function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 0x38800000 is 2^-14, below which halves are multiples of 2^-24.
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(Math.fround(value)) * 2 ** 24);
  const rebased = magnitude - 0x38000000;
  const rounded = (rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13;
  return sign | Math.min(rounded, 0x7c00);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
