// Prototypes of TFLite 2.9's C API (tensorflow/lite/c/c_api.h, xnnpack_delegate.h of that version); a wrong one ends the process.
import koffi from 'koffi';
import type { KoffiFunc, TypeObject } from 'koffi';
import type { Handle, NativeLibrary } from './native.js';

/** TfLiteQuantizationParams, returned by value; scale 0 means not quantized. */
export interface QuantizationParams {
  readonly scale: number;
  readonly zero_point: number;
}

/** The functions of TFLite that Atoll calls, typed. */
export type TfLiteApi = ReturnType<typeof bindTfLite>;

/** Binds them in a loaded library. */
export function bindTfLite(library: NativeLibrary) {
  const bind = <A extends unknown[], R>(name: string, result: string | TypeObject, ...types: string[]) =>
    library.func(name, result, types) as unknown as KoffiFunc<(...a: A) => R>;
  const quantizationParams = koffi.struct({ scale: 'float', zero_point: 'int32_t' });
  return {
    version: bind<[], string>('TfLiteVersion', 'const char *'),
    createModel: bind<[Handle, number], Handle | null>('TfLiteModelCreate', 'void *', 'void *', 'size_t'),
    deleteModel: bind<[Handle], void>('TfLiteModelDelete', 'void', 'void *'),
    createOptions: bind<[], Handle>('TfLiteInterpreterOptionsCreate', 'void *'),
    deleteOptions: bind<[Handle], void>('TfLiteInterpreterOptionsDelete', 'void', 'void *'),
    setThreads: bind<[Handle, number], void>('TfLiteInterpreterOptionsSetNumThreads', 'void', 'void *', 'int32_t'),
    addDelegate: bind<[Handle, Handle], void>('TfLiteInterpreterOptionsAddDelegate', 'void', 'void *', 'void *'),
    setErrorReporter: bind<[Handle, Handle, null], void>(
      'TfLiteInterpreterOptionsSetErrorReporter',
      'void',
      'void *',
      'void *',
      'void *',
    ),
    createInterpreter: bind<[Handle, Handle], Handle | null>('TfLiteInterpreterCreate', 'void *', 'void *', 'void *'),
    deleteInterpreter: bind<[Handle], void>('TfLiteInterpreterDelete', 'void', 'void *'),
    allocateTensors: bind<[Handle], number>('TfLiteInterpreterAllocateTensors', 'int', 'void *'),
    invoke: bind<[Handle], number>('TfLiteInterpreterInvoke', 'int', 'void *'),
    inputCount: bind<[Handle], number>('TfLiteInterpreterGetInputTensorCount', 'int32_t', 'void *'),
    outputCount: bind<[Handle], number>('TfLiteInterpreterGetOutputTensorCount', 'int32_t', 'void *'),
    inputTensor: bind<[Handle, number], Handle>('TfLiteInterpreterGetInputTensor', 'void *', 'void *', 'int32_t'),
    outputTensor: bind<[Handle, number], Handle>('TfLiteInterpreterGetOutputTensor', 'void *', 'void *', 'int32_t'),
    tensorType: bind<[Handle], number>('TfLiteTensorType', 'int', 'void *'),
    tensorRank: bind<[Handle], number>('TfLiteTensorNumDims', 'int32_t', 'void *'),
    tensorSize: bind<[Handle, number], number>('TfLiteTensorDim', 'int32_t', 'void *', 'int32_t'),
    tensorBytes: bind<[Handle], number | bigint>('TfLiteTensorByteSize', 'size_t', 'void *'),
    tensorData: bind<[Handle], Handle | null>('TfLiteTensorData', 'void *', 'void *'),
    tensorName: bind<[Handle], string | null>('TfLiteTensorName', 'const char *', 'void *'),
    tensorQuantization: bind<[Handle], QuantizationParams>(
      'TfLiteTensorQuantizationParams',
      quantizationParams,
      'void *',
    ),
    createXnnpack: bind<[Uint8Array], Handle | null>('TfLiteXNNPackDelegateCreate', 'void *', 'void *'),
    deleteXnnpack: bind<[Handle], void>('TfLiteXNNPackDelegateDelete', 'void', 'void *'),
  };
}
