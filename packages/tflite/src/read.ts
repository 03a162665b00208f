import { AtollError } from '@atoll/base/error';
import { decodeFlatbuffer } from './flatbuffer-decode.js';
import type { Decoded } from './flatbuffer-schema.js';
import { tensorTypeName } from './enums.js';
import type { Operator, Quantization, Subgraph, Tensor, TfLiteModel } from './model.js';
import { modelIdentifier, modelSchema } from './schema/model.js';

type Wire = Decoded<typeof modelSchema>;
type WireSubgraph = Wire['subgraphs'][number];
type WireTensor = WireSubgraph['tensors'][number];
type WireOperator = WireSubgraph['operators'][number];

/**
 * Reads a .tflite file (a zip appended to it is ignored here: see metadata.ts). The buffers are views into `file`.
 * INVALID_ARGUMENT when it is something else, DATA_LOSS when it is damaged or an index in it points nowhere.
 */
export function readModel(file: Uint8Array, what = 'the model'): TfLiteModel {
  const wire = decodeFlatbuffer(file, modelSchema, modelIdentifier, what);
  if (wire.version !== 3) throw unreadable(what, `it has schema version ${wire.version}; only 3 is known`);
  if (wire.subgraphs.length === 0) throw unreadable(what, 'it has no subgraph');
  const model: TfLiteModel = {
    description: wire.description,
    operatorCodes: wire.operatorCodes.map((code) => ({
      code: Math.max(code.deprecatedBuiltinCode, code.builtinCode),
      customCode: code.customCode,
      version: code.version,
    })),
    subgraphs: wire.subgraphs.map((subgraph) => readSubgraph(file, subgraph, what)),
    buffers: wire.buffers.map((buffer, index) => {
      if (buffer.offset <= 1n) return buffer.data;
      return outside(file, buffer.offset, buffer.size, `buffer ${index}`, what);
    }),
    metadata: wire.metadata,
    signatures: wire.signatures.map(({ key, subgraph, inputs, outputs }) => ({ key, subgraph, inputs, outputs })),
  };
  checkIndices(model, what);
  return model;
}

function readSubgraph(file: Uint8Array, wire: WireSubgraph, what: string): Subgraph {
  return {
    name: wire.name,
    tensors: wire.tensors.map((tensor) => readTensor(tensor, what)),
    inputs: wire.inputs,
    outputs: wire.outputs,
    operators: wire.operators.map((operator) => readOperator(file, operator, what)),
  };
}

function readTensor(wire: WireTensor, what: string): Tensor {
  const type = tensorTypeName(wire.type);
  if (type === undefined) throw unreadable(what, `tensor ${wire.name} has the unknown type ${wire.type}`);
  if (wire.externalBuffer !== 0) {
    throw new AtollError('UNIMPLEMENTED', `cannot read ${what}: tensor ${wire.name} keeps its data in another file`);
  }
  if (wire.shape.some((size) => size < 0)) {
    throw unreadable(what, `tensor ${wire.name} has the shape [${wire.shape.join(', ')}]`);
  }
  return {
    name: wire.name,
    type,
    shape: wire.shape,
    buffer: wire.buffer,
    quantization: wire.quantization === undefined ? null : readQuantization(wire.quantization, wire.name, what),
    isVariable: wire.isVariable,
    shapeSignature: wire.shapeSignature,
    hasRank: wire.hasRank,
    sparsity: wire.sparsity ?? null,
    variantTensors: wire.variantTensors,
  };
}

function readQuantization(wire: NonNullable<WireTensor['quantization']>, name: string, what: string): Quantization {
  const zeroPoint = wire.zeroPoint.map(Number);
  const unsafe = zeroPoint.find((value) => !Number.isSafeInteger(value));
  if (unsafe !== undefined) throw unreadable(what, `tensor ${name} has the zero point ${unsafe}`);
  return { ...wire, zeroPoint, details: wire.details ?? null };
}

function readOperator(file: Uint8Array, wire: WireOperator, what: string): Operator {
  const large = wire.largeCustomOptionsOffset > 1n;
  return {
    opcode: wire.opcode,
    inputs: wire.inputs,
    outputs: wire.outputs,
    options: wire.options ?? wire.options2 ?? null,
    customOptions: large
      ? outside(file, wire.largeCustomOptionsOffset, wire.largeCustomOptionsSize, 'custom options', what)
      : wire.customOptions,
    mutatingInputs: wire.mutatingInputs,
    intermediates: wire.intermediates,
  };
}

/** Data that lies behind the flatbuffer in files above 2 GB, at an offset from the start of the file. */
function outside(file: Uint8Array, offset: bigint, size: bigint, part: string, what: string): Uint8Array {
  if (offset + size > BigInt(file.length)) {
    throw unreadable(what, `${part} ends at byte ${offset + size} of ${file.length}`);
  }
  return file.subarray(Number(offset), Number(offset + size));
}

/** Every index in the file points at something: later code follows them without looking. */
function checkIndices(model: TfLiteModel, what: string): void {
  const check = (index: number, count: number, part: string, least = 0): void => {
    if (index < least || index >= count) throw unreadable(what, `${part} ${index} of ${count} does not exist`);
  };
  for (const { tensors, inputs, outputs, operators } of model.subgraphs) {
    for (const tensor of tensors) check(tensor.buffer, model.buffers.length, `tensor ${tensor.name}: buffer`);
    for (const index of [...inputs, ...outputs]) check(index, tensors.length, 'input or output tensor');
    operators.forEach((operator, at) => {
      check(operator.opcode, model.operatorCodes.length, `operator ${at}: operator code`);
      for (const index of operator.inputs) check(index, tensors.length, `operator ${at}: input tensor`, -1);
      for (const index of operator.outputs) check(index, tensors.length, `operator ${at}: output tensor`, -1);
      for (const index of operator.intermediates) check(index, tensors.length, `operator ${at}: inner tensor`, -1);
    });
  }
  for (const entry of model.metadata) check(entry.buffer, model.buffers.length, `metadata ${entry.name}: buffer`);
  for (const signature of model.signatures) {
    const subgraph = model.subgraphs[signature.subgraph];
    if (subgraph === undefined) throw unreadable(what, `signature ${signature.key} has no subgraph`);
    for (const { tensor } of [...signature.inputs, ...signature.outputs]) {
      check(tensor, subgraph.tensors.length, `signature ${signature.key}: tensor`);
    }
  }
}

function unreadable(what: string, why: string): AtollError {
  return new AtollError('DATA_LOSS', `cannot read ${what}: ${why}`);
}
