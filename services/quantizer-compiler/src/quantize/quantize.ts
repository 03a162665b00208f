// A float graph and the planned parameters of its values to a full-integer graph: int8 inside, with QUANTIZE at the borders where the
// caller wants another type. The result computes on integers from the first operation to the last.
import { floatData, valueAt } from '../graph/graph.js';
import type { ElementType, Graph, Op, QuantParams, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { opTable } from '../graph/op-table.js';
import { constantOperands } from './assign.js';
import type { Assignment } from './assign.js';
import { quantizeInt8 } from './params.js';
import { quantizeWeights } from './weights.js';

/** Types that the model can take and give. */
export const borderTypes = ['uint8', 'int8', 'float32'] as const;

/** One of the border types. */
export type BorderType = (typeof borderTypes)[number];

/** What the model takes and gives. */
export interface QuantizeOptions {
  readonly inputType: BorderType;
  readonly outputType: BorderType;
}

/** The full-integer graph and what a person should know of it. */
export interface QuantizedGraph {
  readonly graph: Graph;
  readonly warnings: readonly string[];
}

/** Quantizes under the parameters that `assignParams` planned. */
export function quantizeGraph(graph: Graph, assigned: Assignment, options: QuantizeOptions): QuantizedGraph {
  const builder = new GraphBuilder();
  const moved = new Map<number, number>();
  const warnings: string[] = [];
  const inputs = graph.inputs.map((index) => {
    const { outer, inner } = inputBorder(builder, valueAt(graph, index), paramsOf(assigned, index), options.inputType);
    moved.set(index, inner);
    return outer;
  });
  for (const op of graph.ops) quantizeOp(graph, op, assigned, builder, moved, warnings);
  const outputs = graph.outputs.map((index) => outputBorder(builder, moved.get(index) ?? -1, options.outputType));
  return { graph: builder.build(graph.name, inputs, outputs), warnings };
}

function quantizeOp(
  graph: Graph,
  op: Op,
  assigned: Assignment,
  builder: GraphBuilder,
  moved: Map<number, number>,
  warnings: string[],
): void {
  const row = opTable[op.kind];
  for (const index of constantOperands(graph, op))
    moved.set(index, addConstant(graph, index, paramsOf(assigned, index), builder));
  const [output = -1] = op.outputs;
  const made = builder.value(activation(valueAt(graph, output), paramsOf(assigned, output)));
  let inputs: number[];
  if (row?.weights !== undefined) {
    const [input = -1] = op.inputs;
    inputs = [
      moved.get(input) ?? -1,
      ...addWeights(graph, op, row.weights.perChannel, paramsOf(assigned, input), builder, warnings),
    ];
  } else if (row?.int8 === 'join') {
    inputs = op.inputs.map((index) => requantized(builder, moved.get(index) ?? -1, paramsOf(assigned, output)));
  } else {
    inputs = op.inputs.map((index) => moved.get(index) ?? builder.value(valueAt(graph, index)));
  }
  builder.op(op.kind, inputs, [made], op.options);
  moved.set(output, made);
}

function paramsOf(assigned: Assignment, index: number): QuantParams {
  const params = assigned.get(index);
  if (params === undefined) throw new RangeError(`value ${index} has no parameters`);
  return params;
}

function activation(value: Value, quantization: QuantParams): Value {
  return { name: value.name, type: 'int8', shape: value.shape, data: null, quantization };
}

function addConstant(graph: Graph, index: number, params: QuantParams, builder: GraphBuilder): number {
  const value = valueAt(graph, index);
  const data = floatData(value) ?? new Float32Array();
  return builder.value({ ...value, type: 'int8', data: quantizeInt8(data, params), quantization: params });
}

function addWeights(
  graph: Graph,
  op: Op,
  perChannel: number | null,
  input: QuantParams,
  builder: GraphBuilder,
  warnings: string[],
): readonly [weights: number, bias: number] {
  const [, weightIndex = -1, biasIndex = -1] = op.inputs;
  const weights = valueAt(graph, weightIndex);
  const bias = valueAt(graph, biasIndex);
  const quantized = quantizeWeights(
    floatData(weights) ?? new Float32Array(),
    weights.shape,
    floatData(bias) ?? new Float32Array(),
    perChannel,
    input.scale[0] ?? 1,
  );
  if (quantized.adjusted > 0) {
    warnings.push(
      `${weights.name}: ${quantized.adjusted} channels have tiny weights beside their bias; their scale was raised`,
    );
  }
  return [
    builder.value({ ...weights, type: 'int8', data: quantized.weights, quantization: quantized.weightParams }),
    builder.value({ ...bias, type: 'int32', data: quantized.bias, quantization: quantized.biasParams }),
  ];
}

/** The value itself when it has these very parameters, else the output of a QUANTIZE that gives it them. */
function requantized(builder: GraphBuilder, index: number, params: QuantParams): number {
  const value = builder.at(index);
  if (value.quantization?.scale[0] === params.scale[0] && value.quantization?.zeroPoint[0] === params.zeroPoint[0]) {
    return index;
  }
  const joined = builder.value({ ...value, name: `${value.name}/joined`, quantization: params });
  builder.op('QUANTIZE', [index], [joined], { type: 'QuantizeOptions' });
  return joined;
}

/** The outer input of the wanted type, and the int8 value inside that stands for it. */
function inputBorder(
  builder: GraphBuilder,
  value: Value,
  params: QuantParams,
  type: BorderType,
): { readonly outer: number; readonly inner: number } {
  if (type === 'int8') {
    const only = builder.value(activation(value, params));
    return { outer: only, inner: only };
  }
  const outer = builder.value(borderValue(value.name, value.shape, params, type));
  const inner = builder.value({ ...activation(value, params), name: `${value.name}/int8` });
  builder.op('QUANTIZE', [outer], [inner], { type: 'QuantizeOptions' });
  return { outer, inner };
}

function outputBorder(builder: GraphBuilder, index: number, type: BorderType): number {
  const value = builder.at(index);
  if (type === 'int8' || value.quantization === null) return index;
  builder.rename(index, `${value.name}/int8`);
  const outer = builder.value(borderValue(value.name, value.shape, value.quantization, type));
  const kind = type === 'float32' ? 'DEQUANTIZE' : 'QUANTIZE';
  builder.op(kind, [index], [outer], { type: type === 'float32' ? 'DequantizeOptions' : 'QuantizeOptions' });
  return outer;
}

/** uint8 has the same scale and its zero point 128 higher: the same real values. */
function borderValue(name: string, shape: readonly number[], params: QuantParams, type: ElementType): Value {
  const quantization =
    type === 'uint8' ? { ...params, zeroPoint: params.zeroPoint.map((zeroPoint) => zeroPoint + 128) } : null;
  return { name, type, shape, data: null, quantization };
}
