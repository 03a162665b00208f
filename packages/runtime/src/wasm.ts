/*
 * LiteRT compiled to WebAssembly, the backend that needs nothing native. The module's own glue is loaded with the few names that
 * it expects as arguments, so nothing is added to the global scope. Each model has an instance of its own: what a damaged model
 * does stays in it, and closing it gives all its memory back. Runs are synchronous and block their thread.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { AtollError, reasonOf } from '@atoll/base/error';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { oneLine } from './litert-status.js';
import { dtypeOf, tensorBytes } from './model.js';
import type { LoadedModel, TensorSpec } from './model.js';
import { serialModel } from './serial.js';

/** Opens a model in WebAssembly. INVALID_ARGUMENT: not a model; FAILED_PRECONDITION: a model that LiteRT cannot run. */
export async function openWasm(bytes: Uint8Array): Promise<LoadedModel> {
  const quantization = quantizationByName(bytes);
  const complaints: string[] = [];
  const litert = await instantiate(complaints);
  const environment = litert.LiteRtEnvironment.create(null);
  const file = litert._malloc(bytes.byteLength);
  litert.HEAPU8.set(bytes, file);
  const model = guarded(complaints, 'open', () => litert.loadModel(environment, file, bytes.byteLength));
  const compiled = guarded(complaints, 'open', () => litert.compileModel(environment, model, compileOptions));
  const signature = model.getSignature(0);
  const inputs = names(signature.inputNames()).map((name, i) =>
    tensorOf(name, model.getInputTensorType(0, i), quantization),
  );
  const outputs = names(signature.outputNames()).map((name, i) =>
    tensorOf(name, model.getOutputTensorType(0, i), quantization),
  );
  const buffers = inputs.map(({ spec, type }) =>
    litert.LiteRtTensorBuffer.createManaged(
      environment,
      litert.LiteRtTensorBufferType.HOST_MEMORY,
      type,
      tensorBytes(spec),
    ),
  );
  // The instance's own memory moves when it grows, so tensors are handed over in memory of ours.
  const memory = {
    inputs: inputs.map(({ spec }) => new Uint8Array(tensorBytes(spec))),
    outputs: outputs.map(({ spec }) => new Uint8Array(tensorBytes(spec))),
  };

  const invoke = (verb: 'open' | 'run'): void => {
    buffers.forEach((buffer, i) => {
      litert.HEAPU8.set(memory.inputs[i] ?? [], buffer.lock(litert.LiteRtTensorBufferLockMode.WRITE));
      buffer.unlock();
    });
    const produced = guarded(complaints, verb, () => compiled.run(0, buffers));
    produced.forEach((buffer, i) => {
      const address = buffer.lock(litert.LiteRtTensorBufferLockMode.READ);
      memory.outputs[i]?.set(litert.HEAPU8.subarray(address, address + buffer.packedSize()));
      buffer.unlock();
      buffer.delete();
    });
  };
  // Tensors are allocated by the first run, which is where an unresolved operator comes to light; and V8 warms up on it.
  invoke('open');

  return serialModel({
    backend: 'wasm',
    inputs: inputs.map((tensor) => tensor.spec),
    outputs: outputs.map((tensor) => tensor.spec),
    memory,
    invoke: () => invoke('run'),
    invokeAsync: async () => invoke('run'),
    free: () => undefined, // The instance and all its memory go with the last reference.
  });
}

const compileOptions = {
  accelerator: 'wasm',
  cpuOptions: { numThreads: 1 },
  gpuOptions: {},
  webNNOptions: {},
} as const;

interface SpecAndType {
  readonly spec: TensorSpec;
  readonly type: WasmTensorType;
}

function tensorOf(name: string, type: WasmTensorType, quantization: ReadonlyMap<string, Quantization>): SpecAndType {
  const layout = type.layout();
  const shape = names(layout.dimensions());
  layout.delete();
  const { scale = null, zeroPoint = null } = quantization.get(name) ?? {};
  return { spec: { name, dtype: dtypeOf(type.elementType().value, name), shape, scale, zeroPoint }, type };
}

interface Quantization {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The bindings do not tell scales, so they come from the file itself; it is checked on the way. */
function quantizationByName(bytes: Uint8Array): ReadonlyMap<string, Quantization> {
  const model = readModel(bytes);
  const { tensors, inputs, outputs } = mainSubgraph(model);
  const found = new Map<string, Quantization>();
  for (const index of [...inputs, ...outputs]) {
    const tensor = tensors[index];
    const [scale] = tensor?.quantization?.scale ?? [];
    if (tensor === undefined || scale === undefined || tensor.quantization?.scale.length !== 1) continue;
    const names = model.signatures.flatMap((s) => [...s.inputs, ...s.outputs]).filter((s) => s.tensor === index);
    const quantization = { scale, zeroPoint: tensor.quantization.zeroPoint[0] ?? 0 };
    for (const name of [tensor.name, ...names.map((entry) => entry.name)]) found.set(name, quantization);
  }
  return found;
}

/** Runs a step; a failure may be thrown or only printed, and either way what was printed is the reason. */
function guarded<T>(complaints: string[], verb: 'open' | 'run', step: () => T): T {
  complaints.length = 0;
  const code = verb === 'open' ? 'FAILED_PRECONDITION' : 'INTERNAL';
  const what = `cannot ${verb} the model`;
  const words = (): string => oneLine(complaints.map((line) => line.replace(/^ERROR: (\[[^\]]*\] )?/, '')).join(' '));
  let value: T;
  try {
    value = step();
  } catch (error) {
    throw new AtollError(code, `${what}: ${complaints.length > 0 ? words() : reasonOf(error)}`, { cause: error });
  }
  if (complaints.length > 0) throw new AtollError(code, `${what}: ${words()}`);
  return value;
}

async function instantiate(complaints: string[]): Promise<WasmLiteRt> {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve('@litertjs/core')), '..', 'wasm');
  const gluePath = join(folder, 'litert_wasm_compat_internal.js');
  const [glue, wasmBinary] = await Promise.all([
    readFile(gluePath, 'utf8'),
    readFile(join(folder, 'litert_wasm_compat_internal.wasm')),
  ]);
  const load = compileFunction(`${glue}\nreturn ModuleFactory;`, ['require', '__filename', '__dirname'], {
    filename: gluePath,
  }) as (...names: unknown[]) => (module: object) => Promise<WasmLiteRt>;
  const listen = (line: string): void => {
    if (line.startsWith('ERROR')) complaints.push(line);
  };
  const litert = await load(require, gluePath, folder)({ wasmBinary, print: listen, printErr: listen });
  litert.setupLogging();
  return litert;
}

function names<T>(vector: WasmVector<T>): T[] {
  const items = Array.from({ length: vector.size() }, (_, i) => vector.get(i));
  vector.delete();
  return items;
}

// The part of the module's bindings that is used here; `value` of an element type is a LiteRtElementType.
interface Deletable {
  delete(): void;
}
interface WasmVector<T> extends Deletable {
  size(): number;
  get(i: number): T;
}
interface WasmTensorType extends Deletable {
  elementType(): { value: number };
  layout(): Deletable & { dimensions(): WasmVector<number> };
}
interface WasmModel extends Deletable {
  getSignature(i: number): Deletable & { inputNames(): WasmVector<string>; outputNames(): WasmVector<string> };
  getInputTensorType(signature: number, i: number): WasmTensorType;
  getOutputTensorType(signature: number, i: number): WasmTensorType;
}
interface WasmBuffer extends Deletable {
  lock(mode: unknown): number;
  unlock(): void;
  packedSize(): number;
}
interface WasmCompiledModel extends Deletable {
  run(signature: number, inputs: readonly WasmBuffer[]): WasmBuffer[];
}
interface WasmLiteRt {
  readonly HEAPU8: Uint8Array;
  _malloc(sizeBytes: number): number;
  setupLogging(): void;
  loadModel(environment: unknown, address: number, sizeBytes: number): WasmModel;
  compileModel(environment: unknown, model: WasmModel, options: object): WasmCompiledModel;
  readonly LiteRtEnvironment: { create(device: null): unknown };
  readonly LiteRtTensorBuffer: {
    createManaged(environment: unknown, kind: unknown, type: WasmTensorType, sizeBytes: number): WasmBuffer;
  };
  readonly LiteRtTensorBufferType: { readonly HOST_MEMORY: unknown };
  readonly LiteRtTensorBufferLockMode: { readonly READ: unknown; readonly WRITE: unknown };
}
