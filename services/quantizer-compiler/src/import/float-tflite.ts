// A float .tflite as a graph. Operations that the compiler does not know, and models that are quantized already, are refused.
import { AtollError } from '@atoll/base/error';
import type { BuiltinName } from '@atoll/tflite/ops';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Operator, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import type { ConstantData, Graph, Op, Value } from '../graph/graph.js';
import { elementCount } from '../graph/graph.js';
import { UniqueNames } from '../graph/unique-names.js';
import { opTable, supportedOps } from '../graph/op-table.js';

/** Reads a float .tflite file. INVALID_ARGUMENT names the operator or tensor that cannot be taken, and why. */
export function readFloatTfLite(bytes: Uint8Array, file: string): Graph {
  const model = readModel(bytes, file);
  const main = mainSubgraph(model);
  const size = main.operators.length + main.tensors.length;
  if (size > maxParts) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot import ${file}: ${size} operators and tensors are above ${maxParts}`,
    );
  }
  const constants = constantsOf(model);
  const values = main.tensors.map((tensor) => valueOf(constants, tensor, file));
  const ops = main.operators.map((operator, index) => opOf(model, main.tensors, operator, index, file));
  return {
    name: main.name === '' ? 'main' : main.name,
    values: uniquelyNamed(values),
    ops,
    inputs: main.inputs,
    outputs: main.outputs,
  };
}

/** A hundred times what large image models have; passes may look at every operator once for each. */
const maxParts = 100_000;

type Constants = (tensor: Tensor) => ConstantData | null;

function valueOf(constants: Constants, tensor: Tensor, file: string): Value {
  const refuse = (why: string): AtollError =>
    new AtollError('INVALID_ARGUMENT', `cannot import ${file}: tensor ${tensor.name} ${why}`);
  const { name, type, shapeSignature } = tensor;
  if (type === 'int8' || type === 'uint8')
    throw refuse(`is ${type}: the model is quantized already; give the float one`);
  if (type !== 'float32' && type !== 'int32') throw refuse(`is ${type}; float32 and int32 are supported`);
  // A batch that is left open is written with size 1 in `shape`; any other open size has no value to take.
  if (shapeSignature.slice(1).includes(-1)) throw refuse(`has the open shape [${shapeSignature.join(', ')}]`);
  const data = constants(tensor);
  if (data !== null && data.length !== elementCount(tensor.shape)) {
    throw refuse(`has ${data.length} elements for the shape [${tensor.shape.join(', ')}]`);
  }
  return { name: name === '' ? 'tensor' : name, type, shape: tensor.shape, data, quantization: null };
}

/** Constants as views into the file where they are aligned; tensors that share a buffer share its elements. */
function constantsOf(model: TfLiteModel): Constants {
  const found = new Map<string, ConstantData>();
  return ({ buffer, type }) => {
    const bytes = model.buffers[buffer];
    if (bytes === undefined || bytes.length === 0) return null;
    const key = `${buffer} ${type}`;
    const data = found.get(key) ?? elementsOf(bytes, type);
    found.set(key, data);
    return data;
  };
}

function elementsOf(bytes: Uint8Array, type: Tensor['type']): ConstantData {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  const count = Math.floor(length / 4);
  return type === 'float32' ? new Float32Array(buffer, byteOffset, count) : new Int32Array(buffer, byteOffset, count);
}

function opOf(model: TfLiteModel, tensors: readonly Tensor[], operator: Operator, index: number, file: string): Op {
  const name = operatorName(model, operator);
  const refuse = (why: string): AtollError => {
    const output = tensors[operator.outputs[0] ?? -1]?.name ?? '';
    return new AtollError(
      'INVALID_ARGUMENT',
      `cannot import ${file}: operator ${index} (${name}) that makes ${JSON.stringify(output)} ${why}`,
    );
  };
  const kind = supportedOps.find((one) => one === name);
  if (kind === undefined) throw refuse(`is not supported; these are: ${supportedOps.join(', ')}`);
  // Optional inputs at the end may be left out; one in the middle would shift those behind it.
  const inputs = operator.inputs.slice(0, operator.inputs.findLastIndex((input) => input !== -1) + 1);
  if (inputs.includes(-1)) throw refuse('leaves out an input before others');
  const [least, most] = opTable[kind]?.arity ?? [0, 0];
  if (inputs.length < least || inputs.length > most) throw refuse(`has ${inputs.length} inputs`);
  if (operator.options?.type === 'FullyConnectedOptions' && operator.options.keepNumDims) {
    throw refuse('keeps its dimensions; a dense layer over two dimensions is supported');
  }
  return { kind: kind satisfies BuiltinName, inputs, outputs: operator.outputs, options: operator.options };
}

function uniquelyNamed(values: readonly Value[]): readonly Value[] {
  const names = new UniqueNames();
  return values.map((value) => ({ ...value, name: names.take(value.name) }));
}
