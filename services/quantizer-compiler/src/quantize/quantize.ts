// A float graph and the planned parameters of its values to a full-integer graph: int8 inside, with QUANTIZE at the borders where the
// caller wants another type. The result computes on integers from the first operation to the last, which is checked at the end.
import { AtollError } from '@atoll/base/error';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, QuantParams, Value } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { opTable } from '../graph/op-table.js';
import type { OpRow, WeightRule } from '../graph/op-table.js';
import { isSameParams } from './assign.js';
import type { Assignment } from './assign.js';
import { inputBorder, int8Activation, outputBorder } from './borders.js';
import type { BorderType } from './borders.js';
import { checkInteger } from './check-integer.js';
import { quantizeInt8 } from './params.js';
import { quantizeWeights } from './weights.js';
import type { KnownWeights, QuantizedWeights } from './weights.js';

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

/** A quantization under way: what it reads, and what it has made so far. */
interface Work {
  readonly graph: Graph;
  readonly assigned: Assignment;
  readonly builder: GraphBuilder;
  /** Index of a value in the new graph by its index in the old one. */
  readonly moved: Map<number, number>;
  readonly warnings: string[];
  readonly known: KnownWeights;
  /** What became of the weights of layers, by their index in the old graph: layers may share them. */
  readonly weights: Map<number, number[]>;
  /** Outputs of the QUANTIZE operations in between, by value and parameters. */
  readonly requantizations: Map<string, number>;
}

/**
 * Quantizes under the parameters that `assignParams` planned. INVALID_ARGUMENT names an operation that has no int8 kernel.
 * `known` are weights that were rounded before.
 */
export function quantizeGraph(
  graph: Graph,
  assigned: Assignment,
  options: QuantizeOptions,
  known: KnownWeights = new Map(),
): QuantizedGraph {
  const work: Work = {
    graph,
    assigned,
    builder: new GraphBuilder(),
    moved: new Map(),
    warnings: [],
    known,
    weights: new Map(),
    requantizations: new Map(),
  };
  const { builder, moved } = work;
  const inputs = graph.inputs.map((index) => {
    const value = valueAt(graph, index);
    if (value.type !== 'float32') {
      const kept = builder.value(value);
      moved.set(index, kept);
      return kept;
    }
    const { outer, inner } = inputBorder(builder, value, paramsOf(assigned, index), options.inputType);
    moved.set(index, inner);
    return outer;
  });
  for (const op of graph.ops) quantizeOp(work, op);
  const outputs = graph.outputs.map((index) => outputBorder(builder, moved.get(index) ?? -1, options.outputType));
  const quantized = builder.build(graph.name, inputs, outputs);
  checkInteger(quantized);
  return { graph: quantized, warnings: work.warnings };
}

function quantizeOp(work: Work, op: Op): void {
  const { graph, assigned, builder, moved } = work;
  const row = opTable[op.kind];
  const add = (inputs: readonly number[]): void => {
    const outputs = op.outputs.map((index) => {
      const value = valueAt(graph, index);
      return builder.value(value.type === 'float32' ? int8Activation(value, paramsOf(assigned, index)) : value);
    });
    builder.op(op.kind, inputs, outputs, op.options);
    op.outputs.forEach((index, at) => moved.set(index, outputs[at] ?? -1));
  };
  if (isIndexArithmetic(graph, op)) {
    add(op.inputs.map((index) => moved.get(index) ?? builder.value(valueAt(graph, index))));
    return;
  }
  if (row === undefined || row.int8 === null) throw refusal(graph, op, `it has no int8 kernel; ${row?.instead ?? ''}`);
  add(row.weights === undefined ? operands(work, op, row) : weightedOperands(work, op, row, row.weights));
}

/** What is made of indices alone, such as a RESHAPE behind ARG_MAX, is integer as it is. */
function isIndexArithmetic(graph: Graph, { inputs, outputs }: Op): boolean {
  return [...inputs, ...outputs].every((index) => valueAt(graph, index).type === 'int32');
}

/** The refusal of an operation, by the name of what it makes. */
function refusal(graph: Graph, op: Op, why: string): AtollError {
  const { name } = valueAt(graph, op.outputs[0] ?? -1);
  return new AtollError('INVALID_ARGUMENT', `cannot quantize ${op.kind}, which makes ${JSON.stringify(name)}: ${why}`);
}

function paramsOf(assigned: Assignment, index: number): QuantParams {
  const params = assigned.get(index);
  if (params === undefined) throw new RangeError(`value ${index} has no parameters`);
  return params;
}

/** Inputs of an operation without weights: those that may not change scale are given in the parameters of the output. */
function operands(work: Work, op: Op, row: OpRow): readonly number[] {
  const { graph, assigned, builder, moved } = work;
  const shared = row.int8 === 'same' || row.int8 === 'join' ? paramsOf(assigned, op.outputs[0] ?? -1) : null;
  return op.inputs.map((index, place) => {
    const value = valueAt(graph, index);
    if (row.integers.includes(place)) return integerOperand(work, op, index);
    if (floatData(value) !== null) return constant(builder, value, shared ?? paramsOf(assigned, index));
    const made = moved.get(index) ?? builder.value(value);
    if (value.type !== 'float32') throw refusal(graph, op, `${value.name} is ${value.type}, which it does not take`);
    return shared === null ? made : requantized(work, made, shared);
  });
}

/** A shape, axis or margin: it must be known when the model is written. */
function integerOperand({ graph, builder }: Work, op: Op, index: number): number {
  const value = valueAt(graph, index);
  if (value.data === null) {
    throw refusal(graph, op, `${value.name} is computed when the model runs; give the model a fixed input shape`);
  }
  return builder.value(value);
}

function constant(builder: GraphBuilder, value: Value, params: QuantParams): number {
  const data = floatData(value) ?? new Float32Array();
  return builder.value({ ...value, type: 'int8', data: quantizeInt8(data, params), quantization: params });
}

/** The value itself when it has these very parameters, else the output of a QUANTIZE that gives it them. */
function requantized({ builder, requantizations }: Work, index: number, params: QuantParams): number {
  const value = builder.at(index);
  if (value.quantization !== null && isSameParams(value.quantization, params)) return index;
  const key = `${index} ${params.scale[0]} ${params.zeroPoint[0]}`;
  const earlier = requantizations.get(key);
  if (earlier !== undefined) return earlier;
  const joined = builder.value({ ...value, name: `${value.name}/joined`, data: null, quantization: params });
  requantizations.set(key, joined);
  builder.op('QUANTIZE', [index], [joined], { type: 'QuantizeOptions' });
  return joined;
}

/** Inputs of a convolution or dense layer; one without a bias gets a bias of 0. */
function weightedOperands(work: Work, op: Op, row: OpRow, rule: WeightRule): readonly number[] {
  const { graph, assigned, builder, moved, warnings, known } = work;
  const input = op.inputs[row.data] ?? -1;
  const weights = valueAt(graph, op.inputs[rule.weights] ?? -1);
  const reals = floatData(weights);
  if (reals === null) throw refusal(graph, op, `its weights ${weights.name} are computed, not constant`);
  const biasIndex = op.inputs[rule.bias];
  const bias = biasIndex === undefined ? zeroBias(weights, rule) : valueAt(graph, biasIndex);
  const biasReals = floatData(bias);
  if (biasReals === null) throw refusal(graph, op, `its bias ${bias.name} is computed, not constant`);
  const [inputScale = 1] = paramsOf(assigned, input).scale;
  const quantized = quantizeWeights(reals, weights.shape, biasReals, rule.perChannel, inputScale, known);
  if (quantized.adjusted > 0) {
    warnings.push(
      `${weights.name}: ${quantized.adjusted} channels have tiny weights beside their bias; their scale was raised`,
    );
  }
  const made = new Map<number, number>([
    [row.data, moved.get(input) ?? -1],
    [rule.weights, sharedWeights(work, op.inputs[rule.weights] ?? -1, quantized)],
    [rule.bias, builder.value({ ...bias, type: 'int32', data: quantized.bias, quantization: quantized.biasParams })],
  ]);
  return Array.from(
    { length: row.arity[1] },
    (_, place) => made.get(place) ?? integerOperand(work, op, op.inputs[place] ?? -1),
  );
}

/** Weights that another layer has in the same scales already, or new ones. */
function sharedWeights({ graph, builder, weights }: Work, index: number, quantized: QuantizedWeights): number {
  const earlier = weights.get(index) ?? [];
  const { scale: wanted, dimension } = quantized.weightParams;
  const same = earlier.find((one) => {
    const { scale = [], dimension: axis = -1 } = builder.at(one).quantization ?? {};
    return axis === dimension && scale.length === wanted.length && scale.every((step, at) => step === wanted[at]);
  });
  if (same !== undefined) return same;
  const made = builder.value({
    ...valueAt(graph, index),
    type: 'int8',
    data: quantized.weights,
    quantization: quantized.weightParams,
  });
  weights.set(index, [...earlier, made]);
  return made;
}

function zeroBias(weights: Value, rule: WeightRule): Value {
  const channels = weights.shape[rule.perChannel ?? 0] ?? 1;
  return { ...weights, name: `${weights.name}/zero_bias`, shape: [channels], data: new Float32Array(channels) };
}
