// Tensors of a .tflite file as values. int64 becomes int32, which holds every shape and index; float16 stays what it is stored as
// and is made float32 by the DEQUANTIZE behind it.
import { AtollError } from '@atoll/base/error';
import { mainSubgraph } from '@atoll/tflite/model';
import type { Tensor, TfLiteModel } from '@atoll/tflite/model';
import { elementCount } from '../graph/graph.js';
import type { ConstantData, ElementType, Value } from '../graph/graph.js';
import { UniqueNames } from '../graph/unique-names.js';

/** The values of the main subgraph, by the index of their tensors, each with a name of its own. */
export function tfliteValues(model: TfLiteModel, file: string): readonly Value[] {
  const main = mainSubgraph(model);
  const constants = constantsOf(model);
  const inputs = new Set(main.inputs);
  const names = new UniqueNames();
  return main.tensors.map((tensor, index) => {
    const value = valueOf(constants, tensor, inputs.has(index), file);
    return { ...value, name: names.take(value.name) };
  });
}

type Constants = (tensor: Tensor) => ConstantData | null;

const taken: Readonly<Partial<Record<Tensor['type'], ElementType>>> = {
  float32: 'float32',
  float16: 'float16',
  int32: 'int32',
  int64: 'int32',
};

function valueOf(constants: Constants, tensor: Tensor, isInput: boolean, file: string): Value {
  const refuse = (why: string): AtollError =>
    new AtollError('INVALID_ARGUMENT', `cannot import ${file}: tensor ${tensor.name} ${why}`);
  const { name, shapeSignature, shape } = tensor;
  if (tensor.type === 'int8' || tensor.type === 'uint8' || tensor.type === 'int16') {
    throw refuse(`is ${tensor.type}: the model is quantized already; give the float one`);
  }
  const type = taken[tensor.type];
  if (type === undefined) throw refuse(`is ${tensor.type}; float32, float16 constants, int32 and int64 are supported`);
  if (tensor.isVariable) throw refuse('is a variable: a model that keeps state between runs is not supported');
  if (tensor.sparsity !== null) throw refuse('is sparse; densify the model before it is given');
  // A batch that is left open is 1; any other open size of an input has no value to take.
  if (isInput && shapeSignature.slice(1).includes(-1)) {
    throw refuse(
      `has the open shape [${shapeSignature.join(', ')}]; convert the model again with every size but the batch fixed`,
    );
  }
  const data = constants(tensor);
  if (type === 'float16' && data === null) throw refuse('is float16 and no constant; float16 is supported for weights');
  if (data !== null && data.length !== elementCount(shape)) {
    throw refuse(`has ${data.length} elements for the shape [${shape.join(', ')}]`);
  }
  const openBatch = isInput && shapeSignature.length === shape.length && shapeSignature[0] === -1;
  return {
    name: name === '' ? 'tensor' : name,
    type,
    shape: openBatch ? shape.with(0, 1) : shape,
    data,
    quantization: null,
  };
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
  const elementBytes = type === 'float16' ? 2 : type === 'int64' ? 8 : 4;
  const { buffer, byteOffset, length } = bytes.byteOffset % elementBytes === 0 ? bytes : Uint8Array.from(bytes);
  const count = Math.floor(length / elementBytes);
  if (type === 'float16') return new Uint16Array(buffer, byteOffset, count);
  if (type === 'int64') return Int32Array.from(new BigInt64Array(buffer, byteOffset, count), int32Of);
  return type === 'float32' ? new Float32Array(buffer, byteOffset, count) : new Int32Array(buffer, byteOffset, count);
}

/** Numbers beyond int32 stand for "to the end" in slices, which its ends say as well. */
function int32Of(value: bigint): number {
  return Number(value > 0x7fffffffn ? 0x7fffffffn : value < -0x80000000n ? -0x80000000n : value);
}
