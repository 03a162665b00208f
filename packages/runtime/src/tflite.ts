/*
 * TFLite 2.9's C library. Its XNNPACK runs int8 models eight times faster but is off unless asked for (flag QS8), and refuses
 * some models; so the order is: with XNNPACK, and where the interpreter cannot be built, again without. A delegate given by the
 * caller (an Edge TPU) takes XNNPACK's place and has no fallback: a model compiled for it runs nowhere else.
 */
import { AtollError } from '@atoll/base/error';
import { createErrorLog } from './error-log.js';
import type { ErrorLog } from './error-log.js';
import { borrowForNative, callOffLoop, loadLibrary, nativeView } from './native.js';
import type { Handle } from './native.js';
import { dtypeOf, tensorBytes } from './model.js';
import type { Backend, LoadedModel, TensorSpec } from './model.js';
import { serialModel } from './serial.js';
import { bindTfLite } from './tflite-api.js';
import type { TfLiteApi } from './tflite-api.js';

/** A TfLiteDelegate of another library; freed after the interpreter that used it. */
export interface Delegate {
  readonly handle: Handle;
  free(): void;
}

/** Makes a delegate; what its library says goes to the log. */
export type DelegateMaker = (log: ErrorLog) => Delegate;

/** TfLiteXNNPackDelegateOptions begins {int32 num_threads; uint32 flags}; zeros behind it are the defaults of every later field. */
const xnnpackOptionsBytes = 64;
const xnnpackSignedInt8 = 1;

/** Opens a model with TFLite on the CPU. INVALID_ARGUMENT: not a model; FAILED_PRECONDITION: a model that TFLite cannot run. */
export function openTfLite(bytes: Uint8Array, libraryPath: string, threads: number): LoadedModel {
  const api = loadLibrary(libraryPath, 'the TFLite library', bindTfLite);
  try {
    return openWith(api, bytes, threads, 'native-tflite', () => xnnpack(api, threads));
  } catch (error) {
    if (!(error instanceof AtollError) || error.code !== 'FAILED_PRECONDITION') throw error;
    return openWith(api, bytes, threads, 'native-tflite', undefined);
  }
}

/** Opens a model compiled for an accelerator, whose delegate the caller makes. */
export function openWithDelegate(bytes: Uint8Array, libraryPath: string, make: DelegateMaker): LoadedModel {
  const api = loadLibrary(libraryPath, 'the TFLite library', bindTfLite);
  return openWith(api, bytes, 1, 'edgetpu', make);
}

function xnnpack(api: TfLiteApi, threads: number): Delegate {
  const options = new DataView(new ArrayBuffer(xnnpackOptionsBytes));
  options.setInt32(0, threads, true);
  options.setUint32(4, xnnpackSignedInt8, true);
  const handle = api.createXnnpack(new Uint8Array(options.buffer));
  if (handle === null) throw new AtollError('FAILED_PRECONDITION', 'cannot open the model: XNNPACK does not start');
  return { handle, free: () => api.deleteXnnpack(handle) };
}

function openWith(
  api: TfLiteApi,
  bytes: Uint8Array,
  threads: number,
  backend: Backend,
  makeDelegate: DelegateMaker | undefined,
): LoadedModel {
  const undo: (() => void)[] = [];
  const free = (): void => {
    for (const step of undo.splice(0).toReversed()) step();
  };
  try {
    const log = createErrorLog();
    undo.push(() => log.free());
    const interpreter = buildInterpreter(api, bytes, threads, makeDelegate, log, undo);
    const inputs = tensors(api, interpreter, api.inputCount(interpreter), api.inputTensor);
    const outputs = tensors(api, interpreter, api.outputCount(interpreter), api.outputTensor);
    const settle = (status: number): void => {
      if (status !== 0)
        throw new AtollError('INTERNAL', `cannot run the model: ${log.take(`TFLite status ${status}`)}`);
    };
    return serialModel({
      backend,
      inputs: inputs.map((tensor) => tensor.spec),
      outputs: outputs.map((tensor) => tensor.spec),
      memory: { inputs: inputs.map(({ view }) => view), outputs: outputs.map(({ view }) => view) },
      invoke: () => settle(api.invoke(interpreter)),
      invokeAsync: async () => settle(await callOffLoop(api.invoke, interpreter)),
      free,
    });
  } catch (error) {
    free();
    throw error;
  }
}

function buildInterpreter(
  api: TfLiteApi,
  bytes: Uint8Array,
  threads: number,
  makeDelegate: DelegateMaker | undefined,
  log: ErrorLog,
  undo: (() => void)[],
): Handle {
  const file = borrowForNative(bytes);
  undo.push(() => file.free());
  const model = api.createModel(file.address, bytes.byteLength);
  if (model === null)
    throw new AtollError('INVALID_ARGUMENT', 'cannot open the model: it is not an intact TFLite model');
  undo.push(() => api.deleteModel(model));
  const delegate = makeDelegate?.(log);
  if (delegate !== undefined) undo.push(() => delegate.free());

  const options = api.createOptions();
  undo.push(() => api.deleteOptions(options));
  api.setThreads(options, threads);
  api.setErrorReporter(options, log.reporter, null);
  if (delegate !== undefined) api.addDelegate(options, delegate.handle);
  const interpreter = api.createInterpreter(model, options);
  if (interpreter === null) throw refused(log, 'the interpreter cannot be built');
  undo.push(() => api.deleteInterpreter(interpreter));
  if (api.allocateTensors(interpreter) !== 0) throw refused(log, 'its tensors cannot be allocated');
  return interpreter;
}

function tensors(api: TfLiteApi, interpreter: Handle, count: number, get: (interpreter: Handle, i: number) => Handle) {
  return Array.from({ length: count }, (_, i) => {
    const tensor = get(interpreter, i);
    const spec = tensorSpec(api, tensor);
    const data = api.tensorData(tensor);
    if (data === null || Number(api.tensorBytes(tensor)) !== tensorBytes(spec)) {
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot open the model: the size of tensor ${spec.name} is not fixed`,
      );
    }
    return { spec, view: nativeView(data, tensorBytes(spec)) };
  });
}

function tensorSpec(api: TfLiteApi, tensor: Handle): TensorSpec {
  const name = api.tensorName(tensor) ?? '';
  const { scale, zero_point: zeroPoint } = api.tensorQuantization(tensor);
  return {
    name,
    dtype: dtypeOf(api.tensorType(tensor), name),
    shape: Array.from({ length: api.tensorRank(tensor) }, (_, axis) => api.tensorSize(tensor, axis)),
    scale: scale === 0 ? null : scale,
    zeroPoint: scale === 0 ? null : zeroPoint,
  };
}

function refused(log: ErrorLog, otherwise: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot open the model: ${log.take(otherwise)}`);
}
