/*
 * Between the Open Inference Protocol's tensors and the runtime's bytes, for every protocol that carries them. Bytes go in as they
 * are, as views; elements one by one are for callers that have nothing better, and are several times larger and slower.
 */
import { AtollError } from '@atoll/base/error';
import type { DType, TensorSpec } from '@atoll/runtime/model';
import { tensorBytes } from '@atoll/runtime/model';

/** Elements as a caller may write them one by one, row-major. */
export type Elements = readonly (number | bigint | boolean)[];

/** A tensor that goes in: its bytes (row-major, little-endian), or its elements. */
export type InferInput = {
  readonly name: string;
  /** The protocol's word, for example UINT8. */
  readonly datatype: string;
  readonly shape: readonly number[];
} & ({ readonly bytes: Uint8Array } | { readonly elements: Elements });

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

/** The bytes of each input in the model's order; INVALID_ARGUMENT names the input, what the model takes and what was given. */
export function inputBytes(inputs: readonly InferInput[], specs: readonly TensorSpec[]): Uint8Array[] {
  if (inputs.length !== specs.length)
    throw refuse(`the model takes ${specs.length} inputs, not ${inputs.length}: ${namesOf(specs)}`);
  return specs.map((spec) => {
    const input = inputs.find(({ name }) => name === spec.name);
    if (input === undefined) throw missing(spec, inputs, specs);
    return bytesOf(input, spec);
  });
}

function bytesOf(input: InferInput, spec: TensorSpec): Uint8Array {
  if (input.datatype !== datatypeOf(spec.dtype)) {
    throw refuse(`input ${spec.name} is ${datatypeOf(spec.dtype)}, not ${shown(input.datatype)}`);
  }
  if (!sameShape(input.shape, spec.shape)) {
    throw refuse(
      `input ${spec.name} has shape [${spec.shape.join(', ')}], not [${input.shape.join(', ').slice(0, 200)}]`,
    );
  }
  const expected = tensorBytes(spec);
  if ('bytes' in input) {
    if (input.bytes.byteLength === expected) return input.bytes;
    throw refuse(`input ${spec.name} takes ${expected} bytes, not ${input.bytes.byteLength}`);
  }
  const elements = spec.shape.reduce((product, size) => product * size, 1);
  if (input.elements.length !== elements)
    throw refuse(`input ${spec.name} takes ${elements} elements, not ${input.elements.length}`);
  return encoded(input.elements, spec);
}

const integers = {
  uint8: { array: Uint8Array, least: 0, most: 255 },
  int8: { array: Int8Array, least: -128, most: 127 },
  int16: { array: Int16Array, least: -32_768, most: 32_767 },
  int32: { array: Int32Array, least: -2_147_483_648, most: 2_147_483_647 },
} as const;

function encoded(elements: Elements, spec: TensorSpec): Uint8Array {
  const wrong = (index: number): AtollError =>
    refuse(
      `element ${index} of input ${spec.name} is ${String(elements[index])}, which is no ${datatypeOf(spec.dtype)}`,
    );
  switch (spec.dtype) {
    case 'uint8':
    case 'int8':
    case 'int16':
    case 'int32': {
      const { array, least, most } = integers[spec.dtype];
      const bad = elements.findIndex(
        (value) => typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most,
      );
      if (bad >= 0) throw wrong(bad);
      return viewOf(array.from(elements as readonly number[]));
    }
    case 'int64': {
      const isWhole = (value: number | bigint | boolean): boolean =>
        typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
      const bad = elements.findIndex((value) => !isWhole(value));
      if (bad >= 0) throw wrong(bad);
      return viewOf(BigInt64Array.from(elements, BigInt));
    }
    case 'float32':
    case 'float64': {
      const bad = elements.findIndex((value) => typeof value !== 'number');
      if (bad >= 0) throw wrong(bad);
      const array = spec.dtype === 'float32' ? Float32Array : Float64Array;
      return viewOf(array.from(elements as readonly number[]));
    }
    case 'bool': {
      const bad = elements.findIndex((value) => typeof value !== 'boolean');
      if (bad >= 0) throw wrong(bad);
      return Uint8Array.from(elements as readonly boolean[], Number);
    }
    case 'float16':
      throw refuse(`input ${spec.name} is FP16, which exists as bytes only`);
  }
}

/** The elements of an output, for a protocol that writes them one by one. */
export function outputElements(bytes: Uint8Array, spec: TensorSpec): number[] | bigint[] | boolean[] {
  // A copy of its own: the bytes may begin where a wider element cannot.
  const { buffer } = new Uint8Array(bytes);
  switch (spec.dtype) {
    case 'uint8':
      return [...new Uint8Array(buffer)];
    case 'int8':
      return [...new Int8Array(buffer)];
    case 'int16':
      return [...new Int16Array(buffer)];
    case 'int32':
      return [...new Int32Array(buffer)];
    case 'int64':
      return [...new BigInt64Array(buffer)];
    case 'float32':
      return [...new Float32Array(buffer)];
    case 'float64':
      return [...new Float64Array(buffer)];
    case 'bool':
      return Array.from(new Uint8Array(buffer), (value) => value !== 0);
    case 'float16':
      throw refuse(`output ${spec.name} is FP16, which exists as bytes only: send bytes to get bytes`);
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

/** There are as many inputs as the model takes: one of them has a name of its own, or a name twice. */
function missing(spec: TensorSpec, inputs: readonly InferInput[], specs: readonly TensorSpec[]): AtollError {
  const unknown = inputs.find(({ name }) => !specs.some((known) => known.name === name));
  if (unknown === undefined) return refuse(`input ${spec.name} is missing`);
  return refuse(`the model has no input ${shown(unknown.name)}, it takes ${namesOf(specs)}`);
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}

function viewOf(array: { buffer: ArrayBufferLike }): Uint8Array {
  return new Uint8Array(array.buffer);
}

/** A stranger's word, in a message. */
function shown(word: string): string {
  return word === '' ? '""' : word.slice(0, 100);
}

function refuse(reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot infer: ${reason}`);
}
