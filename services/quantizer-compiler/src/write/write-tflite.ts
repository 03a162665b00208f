// A graph as a .tflite model: one subgraph, static shapes, batch 1, the least operator versions, and a signature.
import { builtinCode, int8Support } from '@atoll/tflite/ops';
import type { BuiltinName } from '@atoll/tflite/ops';
import { withMinRuntimeVersion } from '@atoll/tflite/metadata';
import type { OperatorCode, Quantization, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { valueAt } from '../graph/graph.js';
import type { ConstantData, Graph, Op, QuantParams, Value } from '../graph/graph.js';

/** The model of a graph that passed verify. */
export function writeTfLite(graph: Graph): TfLiteModel {
  const buffers: Uint8Array[] = [new Uint8Array()];
  const tensors = graph.values.map((value) => {
    if (value.data !== null) buffers.push(littleEndianBytes(value.data));
    return tensorOf(value, value.data === null ? 0 : buffers.length - 1);
  });
  const codes = new Map<string, number>();
  const operatorCodes: OperatorCode[] = [];
  const operators = graph.ops.map((op) => {
    const version = versionOf(graph, op);
    const key = `${op.kind} ${version}`;
    const opcode = codes.get(key) ?? operatorCodes.push({ code: builtinCode(op.kind), customCode: '', version }) - 1;
    codes.set(key, opcode);
    const { inputs, outputs, options } = op;
    return { opcode, inputs, outputs, options, customOptions: new Uint8Array(), mutatingInputs: [], intermediates: [] };
  });
  const named = (indices: readonly number[]) =>
    indices.map((tensor) => ({ name: valueAt(graph, tensor).name, tensor }));
  const model: TfLiteModel = {
    description: `Atoll ${graph.name}`,
    operatorCodes,
    subgraphs: [{ name: graph.name, tensors, inputs: graph.inputs, outputs: graph.outputs, operators }],
    buffers,
    metadata: [],
    signatures: [{ key: 'serving_default', subgraph: 0, inputs: named(graph.inputs), outputs: named(graph.outputs) }],
  };
  return withMinRuntimeVersion(model, leastRuntime(graph));
}

function tensorOf(value: Value, buffer: number): Tensor {
  return {
    name: value.name,
    type: value.type,
    shape: value.shape,
    buffer,
    quantization: value.quantization === null ? null : quantizationOf(value.quantization),
    isVariable: false,
    shapeSignature: [],
    hasRank: true,
    sparsity: null,
    variantTensors: [],
  };
}

function quantizationOf({ scale, zeroPoint, dimension }: QuantParams): Quantization {
  return { min: [], max: [], scale, zeroPoint, dimension, details: null };
}

/** A view of the elements; TypedArrays are little-endian on every platform that Node runs on. */
function littleEndianBytes(data: ConstantData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The least version with this operation's types and options. Source: op_version.cc of TFLite. */
function versionOf(graph: Graph, op: Op): number {
  const values = [...op.inputs, ...op.outputs].map((index) => valueAt(graph, index));
  const eightBit = values.some(({ type }) => type === 'int8');
  if (op.kind === 'QUANTIZE') return 1;
  if (!eightBit) return floatVersion(op);
  const least = int8Support[op.kind]?.version ?? 1;
  return op.kind === 'MUL' && multiplierAtLeastOne(values) ? 3 : least;
}

function floatVersion(op: Op): number {
  const dilated = op.options?.type === 'DepthwiseConv2DOptions' && op.options.dilationW * op.options.dilationH !== 1;
  return dilated || op.kind === 'DEQUANTIZE' ? 2 : 1;
}

/** MUL 2 cannot requantize by a factor of 1 or more. */
function multiplierAtLeastOne([first, second, output]: readonly Value[]): boolean {
  const scale = (value: Value | undefined): number => value?.quantization?.scale[0] ?? 0;
  return scale(first) * scale(second) >= scale(output);
}

/** The newest of the runtimes that first had an operation; float operations are older than any runtime in use. */
function leastRuntime(graph: Graph): string {
  const eightBit = graph.values.some(({ type }) => type === 'int8');
  const versions = graph.ops.map(({ kind }: { readonly kind: BuiltinName }) =>
    eightBit ? (int8Support[kind]?.runtime ?? '1.14.0') : '1.5.0',
  );
  return versions.reduce((newest, one) => (isNewer(one, newest) ? one : newest), '1.5.0');
}

function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
