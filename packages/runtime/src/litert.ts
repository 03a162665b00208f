/*
 * LiteRT 2.3's C API (litert/c/*.h of that version). Each function returns a status, 0 meaning done, and gives handles through
 * out arguments. A model's life: environment + verified bytes -> model -> compiled model -> one locked buffer a tensor -> runs.
 * CreateModelFromBuffer verifies the bytes and borrows them; CreateModelFromFile is never used, since it does not verify.
 */
import koffi from 'koffi';
import { AtollError } from '@atoll/base/error';
import { borrowForNative, callOffLoop, copyToNative, freeFunction, loadLibrary, nativeView } from './native.js';
import type { Handle, NativeBlock } from './native.js';
import { bindLiteRt } from './litert-api.js';
import type { LiteRtApi, Out, RunArguments, Status } from './litert-api.js';
import { litertReason } from './litert-status.js';
import { dtypeOf, tensorBytes } from './model.js';
import type { LoadedModel, TensorSpec } from './model.js';
import { serialModel } from './serial.js';

/** LiteRtLayout: {uint32: rank in the low 7 bits; int32 dimensions[8]; uint32 strides[8]}. */
const layoutBytes = 68;
/** LiteRtRankedTensorType: int32 element type, then the layout. */
const rankedTypeBytes = 4 + layoutBytes;
/** LiteRtQuantizationPerTensor: {float scale; int64 zero_point}. */
const quantizationBytes = 16;
const cpuAccelerator = 1;
const lockReadWrite = 2;

/** Opens a model with LiteRT on the CPU. INVALID_ARGUMENT: not a model; FAILED_PRECONDITION: a model that LiteRT cannot run. */
export async function openLiteRt(bytes: Uint8Array, libraryPath: string, threads: number): Promise<LoadedModel> {
  const api = loadLibrary(libraryPath, 'the LiteRT library', bindLiteRt);
  const undo: (() => void)[] = [];
  const free = (): void => {
    for (const step of undo.splice(0).toReversed()) step();
  };
  try {
    const { compiled, environment, signature } = await compile(api, bytes, threads, undo);
    const inputs = inputTensors(api, environment, compiled, signature, undo);
    const outputs = await outputTensors(api, environment, compiled, signature, undo);
    const inputHandles = BigUint64Array.from(inputs, (tensor) => tensor.buffer);
    const outputHandles = BigUint64Array.from(outputs, (tensor) => tensor.buffer);
    const settle = (status: Status): void => {
      if (status !== 0) throw new AtollError('INTERNAL', `cannot run the model: ${reason(api, compiled, status)}`);
    };
    const runArguments: RunArguments = [compiled, 0, inputs.length, inputHandles, outputs.length, outputHandles];
    return serialModel({
      backend: 'native-litert',
      inputs: inputs.map((tensor) => tensor.spec),
      outputs: outputs.map((tensor) => tensor.spec),
      memory: { inputs: inputs.map(({ view }) => view), outputs: outputs.map(({ view }) => view) },
      invoke: () => settle(api.run(...runArguments)),
      invokeAsync: async () => settle(await callOffLoop(api.run, ...runArguments)),
      free,
    });
  } catch (error) {
    free();
    throw error;
  }
}

interface NativeTensor {
  readonly spec: TensorSpec;
  readonly buffer: Handle;
  readonly view: Uint8Array;
}

/** Verifying and preparing take milliseconds, in which other models may run: both happen off the event loop. */
async function compile(api: LiteRtApi, bytes: Uint8Array, threads: number, undo: (() => void)[]) {
  const environment = created(api.createEnvironment, 'set LiteRT up', quietEnvironment.count, quietEnvironment.bytes);
  undo.push(() => api.destroyEnvironment(environment));

  const file = borrowForNative(bytes);
  undo.push(() => file.free());
  const model: Out<Handle> = [null];
  const status = await callOffLoop(api.createModelFromBuffer, environment, file.address, bytes.byteLength, model);
  if (status !== 0 || model[0] === null) {
    const code = status === 1 || status === 501 ? 'INVALID_ARGUMENT' : 'FAILED_PRECONDITION';
    throw new AtollError(code, `cannot open the model: ${litertReason(status)}`);
  }
  const modelHandle = model[0];
  undo.push(() => api.destroyModel(modelHandle));

  const options = created(api.createOptions, 'set LiteRT up');
  const compiled: Out<Handle> = [null];
  let compileStatus: Status;
  try {
    check(api.setHardwareAccelerators(options, cpuAccelerator), 'set LiteRT up');
    addOptions(api, options, 'xnnpack', `num_threads = ${threads}\n`);
    addOptions(api, options, 'runtime_options_string', 'error_reporter_mode = 2\n'); // 2: keep messages for GetErrorMessages
    compileStatus = await callOffLoop(api.createCompiledModel, environment, modelHandle, options, compiled);
  } finally {
    api.destroyOptions(options);
  }
  if (compileStatus !== 0 || compiled[0] === null) {
    throw new AtollError('FAILED_PRECONDITION', `cannot open the model: ${litertReason(compileStatus)}`);
  }
  const compiledHandle = compiled[0];
  undo.push(() => api.destroyCompiledModel(compiledHandle));
  const signature: Out<Handle> = [null];
  check(api.getModelSignature(modelHandle, 0, signature), "read the model's signature");
  if (signature[0] === null) throw new AtollError('FAILED_PRECONDITION', 'cannot open the model: it has no signature');
  return { environment, compiled: compiledHandle, signature: signature[0] };
}

/** No probing of GPU and NPU libraries (tag 24), and only errors are logged (tag 25 = 3). An option: {int32 tag; int32 type = 2 (int); int64 value} padded to 24 bytes. */
const quietEnvironment = ((): { count: number; bytes: Uint8Array } => {
  const tags: readonly (readonly [tag: number, value: bigint])[] = [
    [24, 1n],
    [25, 3n],
  ];
  const view = new DataView(new ArrayBuffer(24 * tags.length));
  tags.forEach(([tag, value], i) => {
    view.setInt32(24 * i, tag, true);
    view.setInt32(24 * i + 8, 2, true);
    view.setBigInt64(24 * i + 16, value, true);
  });
  return { count: tags.length, bytes: new Uint8Array(view.buffer) };
})();

/** Options are TOML text in memory that the options object then owns. */
function addOptions(api: LiteRtApi, options: Handle, identifier: string, toml: string): void {
  const text: NativeBlock = copyToNative(Buffer.from(toml, 'latin1'), true);
  const opaque: Out<Handle> = [null];
  const status = api.createOpaqueOptions(identifier, text.address, freeFunction(), opaque);
  if (status !== 0 || opaque[0] === null) {
    text.free();
    check(status, 'set LiteRT up');
    return;
  }
  check(api.addOpaqueOptions(options, opaque[0]), 'set LiteRT up');
}

function inputTensors(api: LiteRtApi, environment: Handle, compiled: Handle, signature: Handle, undo: (() => void)[]) {
  return Array.from({ length: count(api.getNumSignatureInputs, signature) }, (_, i) => {
    const layout = new Uint8Array(layoutBytes);
    check(api.getInputLayout(compiled, 0, i, layout), 'lay out the inputs');
    const tensor = at(api.getSignatureInput, signature, i);
    return nativeTensor(api, environment, tensor, layout, at(api.getInputRequirements, compiled, 0, i), undo);
  });
}

/** Reading the output layouts with update allocates all tensors, which is where an unresolved custom op comes to light. */
async function outputTensors(
  api: LiteRtApi,
  environment: Handle,
  compiled: Handle,
  signature: Handle,
  undo: (() => void)[],
) {
  const length = count(api.getNumSignatureOutputs, signature);
  const layouts = new Uint8Array(layoutBytes * length);
  const status = await callOffLoop(api.getOutputLayouts, compiled, 0, length, layouts, true);
  if (status !== 0) {
    throw new AtollError('FAILED_PRECONDITION', `cannot open the model: ${reason(api, compiled, status)}`);
  }
  return Array.from({ length }, (_, i) => {
    const layout = layouts.subarray(layoutBytes * i, layoutBytes * (i + 1));
    const tensor = at(api.getSignatureOutput, signature, i);
    return nativeTensor(api, environment, tensor, layout, at(api.getOutputRequirements, compiled, 0, i), undo);
  });
}

/** The ranked type of the model keeps -1 for an open batch, so the compiled layout is written over it. */
function nativeTensor(
  api: LiteRtApi,
  environment: Handle,
  tensor: Handle,
  layout: Uint8Array,
  requirements: Handle,
  undo: (() => void)[],
): NativeTensor {
  const rankedType = new Uint8Array(rankedTypeBytes);
  check(api.getRankedTensorType(tensor, rankedType), 'read a tensor');
  rankedType.set(layout, 4);
  const spec = tensorSpec(api, tensor, new DataView(rankedType.buffer));
  const buffer: Out<Handle> = [null];
  check(api.createBuffer(environment, rankedType, requirements, buffer), `allocate tensor ${spec.name}`);
  const handle = buffer[0] ?? 0n;
  undo.push(() => api.destroyBuffer(handle));
  const address: Out<Handle> = [null];
  check(api.lockBuffer(handle, address, lockReadWrite), `reach tensor ${spec.name}`);
  check(api.unlockBuffer(handle), `reach tensor ${spec.name}`);
  return { spec, buffer: handle, view: nativeView(address[0] ?? 0n, tensorBytes(spec)) };
}

function tensorSpec(api: LiteRtApi, tensor: Handle, type: DataView): TensorSpec {
  const name: Out<string> = [null];
  check(api.getTensorName(tensor, name), 'read a tensor');
  const text = name[0] ?? '';
  const rank = type.getUint32(4, true) & 0x7f;
  const shape = Array.from({ length: rank }, (_, axis) => type.getInt32(8 + 4 * axis, true));
  const quantization = new Uint8Array(quantizationBytes);
  const perTensor = api.getPerTensorQuantization(tensor, quantization) === 0;
  const view = new DataView(quantization.buffer);
  const scale = perTensor ? view.getFloat32(0, true) : 0;
  return {
    name: text,
    dtype: dtypeOf(type.getInt32(0, true), text),
    shape,
    scale: scale === 0 ? null : scale,
    zeroPoint: scale === 0 ? null : Number(view.getBigInt64(8, true)),
  };
}

function reason(api: LiteRtApi, compiled: Handle, status: Status): string {
  const messages: Out<Handle> = [null];
  if (api.getErrorMessages(compiled, messages) !== 0 || messages[0] === null) return litertReason(status);
  const text = String(koffi.decode.string(messages[0])).trim();
  koffi.free(messages[0]);
  api.clearErrors(compiled);
  return litertReason(status, text);
}

function created<A extends unknown[]>(create: (...a: [...A, Out<Handle>]) => Status, what: string, ...a: A): Handle {
  const out: Out<Handle> = [null];
  check(create(...a, out), what);
  return out[0] ?? 0n;
}

function at<A extends unknown[]>(get: (...a: [...A, Out<Handle>]) => Status, ...a: A): Handle {
  return created(get, 'read the model', ...a);
}

function count(get: (signature: Handle, out: Out<number | bigint>) => Status, signature: Handle): number {
  const out: Out<number | bigint> = [null];
  check(get(signature, out), "read the model's signature");
  return Number(out[0] ?? 0);
}

function check(status: Status, what: string): void {
  if (status !== 0) throw new AtollError('FAILED_PRECONDITION', `cannot ${what}: ${litertReason(status)}`);
}
