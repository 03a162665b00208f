/*
 * Between the Open Inference Protocol's tensors and the runtime's bytes. Raw contents are taken as they are; typed contents are
 * for callers that have nothing better, and are several times larger and slower.
 */
import { AtollError } from '@atoll/base/error';
import type { InferTensorContents, ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import type { DType, TensorSpec } from '@atoll/runtime/model';
import { tensorBytes } from '@atoll/runtime/model';

const datatypes: Readonly<Record<DType, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
};

/** The protocol's word for an element type. */
export function datatypeOf(dtype: DType): string {
  return datatypes[dtype];
}

/** The bytes of each input in the model's order; INVALID_ARGUMENT names the input and what is wrong with it. */
export function inputsOf(request: ModelInferRequest, specs: readonly TensorSpec[]): Uint8Array[] {
  const raw = request.rawInputContents;
  if (request.inputs.length !== specs.length)
    throw refuse(`the model takes ${specs.length} inputs, not ${request.inputs.length}`);
  if (raw.length > 0 && raw.length !== request.inputs.length) {
    throw refuse(`there are ${raw.length} raw contents for ${request.inputs.length} inputs`);
  }
  return specs.map((spec) => {
    const index = request.inputs.findIndex((input) => input.name === spec.name);
    const input = request.inputs[index];
    if (input === undefined) throw refuse(`input ${spec.name} is missing`);
    if (input.datatype !== datatypeOf(spec.dtype)) {
      throw refuse(`input ${spec.name} is ${datatypeOf(spec.dtype)}, not ${input.datatype}`);
    }
    if (input.shape.join() !== spec.shape.join()) {
      throw refuse(`input ${spec.name} has shape [${spec.shape.join(', ')}], not [${input.shape.join(', ')}]`);
    }
    if (raw.length > 0 && input.contents !== undefined) throw refuse(`input ${spec.name} has raw and typed contents`);
    const bytes = raw[index] ?? fromContents(input.contents, spec);
    const expected = tensorBytes(spec);
    if (bytes.byteLength !== expected)
      throw refuse(`input ${spec.name} takes ${expected} bytes, not ${bytes.byteLength}`);
    return bytes;
  });
}

/** The elements of an output in the list that fits its type. */
export function toContents(bytes: Uint8Array, spec: TensorSpec): InferTensorContents {
  const buffer = new Uint8Array(bytes).buffer;
  switch (spec.dtype) {
    case 'uint8':
      return { ...noContents(), uintContents: [...new Uint8Array(buffer)] };
    case 'int8':
      return { ...noContents(), intContents: [...new Int8Array(buffer)] };
    case 'int16':
      return { ...noContents(), intContents: [...new Int16Array(buffer)] };
    case 'int32':
      return { ...noContents(), intContents: [...new Int32Array(buffer)] };
    case 'int64':
      return { ...noContents(), int64Contents: [...new BigInt64Array(buffer)] };
    case 'float32':
      return { ...noContents(), fp32Contents: [...new Float32Array(buffer)] };
    case 'float64':
      return { ...noContents(), fp64Contents: [...new Float64Array(buffer)] };
    case 'bool':
      return { ...noContents(), boolContents: Array.from(new Uint8Array(buffer), (value) => value !== 0) };
    case 'float16':
      throw refuse(`output ${spec.name} is FP16, which exists raw only: send raw contents to get raw contents`);
  }
}

function fromContents(contents: InferTensorContents | undefined, spec: TensorSpec): Uint8Array {
  if (contents === undefined) throw refuse(`input ${spec.name} has no contents`);
  const bytes = (array: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);
  switch (spec.dtype) {
    case 'uint8':
      return Uint8Array.from(contents.uintContents);
    case 'int8':
      return bytes(Int8Array.from(contents.intContents));
    case 'int16':
      return bytes(Int16Array.from(contents.intContents));
    case 'int32':
      return bytes(Int32Array.from(contents.intContents));
    case 'int64':
      return bytes(BigInt64Array.from(contents.int64Contents));
    case 'float32':
      return bytes(Float32Array.from(contents.fp32Contents));
    case 'float64':
      return bytes(Float64Array.from(contents.fp64Contents));
    case 'bool':
      return Uint8Array.from(contents.boolContents, Number);
    case 'float16':
      throw refuse(`input ${spec.name} is FP16, which exists raw only`);
  }
}

function noContents(): InferTensorContents {
  return {
    boolContents: [],
    intContents: [],
    int64Contents: [],
    uintContents: [],
    uint64Contents: [],
    fp32Contents: [],
    fp64Contents: [],
    bytesContents: [],
  };
}

function refuse(reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot infer: ${reason}`);
}
