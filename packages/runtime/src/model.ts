import { AtollError } from '@atoll/base/error';

/** The machinery that runs a model: LiteRT's or TFLite's C library on the CPU, LiteRT compiled to WebAssembly, or an Edge TPU. */
export type Backend = 'native-litert' | 'native-tflite' | 'wasm' | 'edgetpu';

/** Element types of input and output tensors, by their TFLite names. */
export type DType = 'float32' | 'float16' | 'float64' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'bool';

/** An input or output tensor; the real value of a quantized element q is scale * (q - zeroPoint), null when it is not quantized. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** The bytes of a model's tensors where its library reads and writes them. */
export interface TensorMemory {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/**
 * A model that is ready to run. Tensors are row-major, little-endian bytes, in the order of `inputs` and `outputs`.
 * Runs of one model are serialized; the returned bytes are the caller's own.
 */
export interface LoadedModel {
  readonly backend: Backend;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Runs off the event loop where the backend can (wasm cannot); INVALID_ARGUMENT for inputs of the wrong number or size. */
  run(inputs: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** Runs on the calling thread; FAILED_PRECONDITION while a run() is under way. */
  runSync(inputs: readonly Uint8Array[]): Uint8Array[];
  /** For runInPlace(): every input is filled whole before, the outputs hold until the next run, and nothing is touched after close(). */
  readonly memory: TensorMemory;
  /** Runs over `memory` on the calling thread, without a copy of any tensor; FAILED_PRECONDITION as for runSync. */
  runInPlace(): void;
  /** Waits for the runs under way and frees everything; later runs are refused, a second call does nothing. */
  close(): Promise<void>;
}

const elementBytes: Readonly<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  float32: 4,
  int32: 4,
  float16: 2,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Bytes of a whole tensor. */
export function tensorBytes(spec: Pick<TensorSpec, 'dtype' | 'shape'>): number {
  return spec.shape.reduce((product, size) => product * size, elementBytes[spec.dtype]);
}

/** LiteRtElementType and TfLiteType agree on these numbers (litert_model_types.h, c_api_types.h). */
const dtypeByCode: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'int32',
  3: 'uint8',
  4: 'int64',
  6: 'bool',
  7: 'int16',
  9: 'int8',
  10: 'float16',
  11: 'float64',
};

/** The element type behind a library's number; FAILED_PRECONDITION for one that Atoll cannot carry. */
export function dtypeOf(code: number, tensor: string): DType {
  const dtype = dtypeByCode[code];
  if (dtype === undefined) {
    throw new AtollError('FAILED_PRECONDITION', `cannot open the model: tensor ${tensor} has element type ${code}`);
  }
  return dtype;
}
