// A graph as a .tflite model: one subgraph, static shapes, batch 1, the least operator versions, and a signature.
import { builtinCode } from '@atoll/tflite/ops';
import { isNewerRuntime, leastVersion, runtimeSince } from '@atoll/tflite/op-versions';
import type { OperatorUse } from '@atoll/tflite/op-versions';
import { withMinRuntimeVersion } from '@atoll/tflite/metadata';
import type { OperatorCode, Quantization, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { valueAt } from '../graph/graph.js';
import type { ConstantData, Graph, Op, QuantParams, Value } from '../graph/graph.js';

/** The model of a graph that passed verify. */
export function writeTfLite(graph: Graph): TfLiteModel {
  const buffers: Uint8Array[] = [new Uint8Array()];
  const places = new Map<ConstantData, number>();
  const tensors = graph.values.map((value) => {
    const { data } = value;
    if (data === null) return tensorOf(value, 0);
    // Layers that share their weights share the elements.
    const place = places.get(data) ?? buffers.push(littleEndianBytes(data)) - 1;
    places.set(data, place);
    return tensorOf(value, place);
  });
  const codes = new Map<string, number>();
  const operatorCodes: OperatorCode[] = [];
  const uses = graph.ops.map((op) => ({ op, use: useOf(graph, op) }));
  const operators = uses.map(({ op, use }) => {
    const version = leastVersion(use);
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
  return withMinRuntimeVersion(model, leastRuntime(uses.map(({ use }) => use)));
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

/** What the version of an operation depends on. */
function useOf(graph: Graph, { kind, inputs, outputs, options }: Op): OperatorUse {
  const used = (index: number) => {
    const { type, shape, quantization } = valueAt(graph, index);
    return { type, shape, scales: quantization?.scale ?? [] };
  };
  return { name: kind, inputs: inputs.map(used), outputs: outputs.map(used), options };
}

/** The newest of the runtimes that first had an operation in the version that is used. */
function leastRuntime(uses: readonly OperatorUse[]): string {
  return uses
    .map((use) => runtimeSince(use.name, leastVersion(use)))
    .reduce((newest, one) => (isNewerRuntime(one, newest) ? one : newest), '1.5.0');
}
