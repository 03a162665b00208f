// Prototypes of LiteRT 2.3's C API; they follow litert/c/*.h of that version, and a wrong one ends the process.
import type { KoffiFunc } from 'koffi';
import type { Handle, NativeLibrary } from './native.js';

/** LiteRtStatus; 0 is done. */
export type Status = number;

/** A one-element array that a function fills in. */
export type Out<T> = [T | null];

/** Arguments of LiteRtRunCompiledModel: compiled model, signature 0, and the handles of all input and output buffers. */
export type RunArguments = [Handle, number, number, BigUint64Array, number, BigUint64Array];

/** The functions of LiteRT that Atoll calls, typed. */
export type LiteRtApi = ReturnType<typeof bindLiteRt>;

/** Binds them in a loaded library. */
export function bindLiteRt(library: NativeLibrary) {
  const bind = <A extends unknown[], R = Status>(prototype: string) =>
    library.func(prototype) as unknown as KoffiFunc<(...a: A) => R>;
  type HandleOut = Out<Handle>;
  return {
    createEnvironment: bind<[number, Uint8Array, HandleOut]>(
      'int LiteRtCreateEnvironment(int n, void *options, _Out_ void **environment)',
    ),
    destroyEnvironment: bind<[Handle], void>('void LiteRtDestroyEnvironment(void *environment)'),
    createModelFromBuffer: bind<[Handle, Handle, number, HandleOut]>(
      'int LiteRtCreateModelFromBuffer(void *environment, void *bytes, size_t n, _Out_ void **model)',
    ),
    destroyModel: bind<[Handle], void>('void LiteRtDestroyModel(void *model)'),
    createOptions: bind<[HandleOut]>('int LiteRtCreateOptions(_Out_ void **options)'),
    destroyOptions: bind<[Handle], void>('void LiteRtDestroyOptions(void *options)'),
    setHardwareAccelerators: bind<[Handle, number]>('int LiteRtSetOptionsHardwareAccelerators(void *options, int set)'),
    createOpaqueOptions: bind<[string, Handle, Handle, HandleOut]>(
      'int LiteRtCreateOpaqueOptions(const char *id, void *data, void *destructor, _Out_ void **opaque)',
    ),
    addOpaqueOptions: bind<[Handle, Handle]>('int LiteRtAddOpaqueOptions(void *options, void *opaque)'),
    createCompiledModel: bind<[Handle, Handle, Handle, HandleOut]>(
      'int LiteRtCreateCompiledModel(void *environment, void *model, void *options, _Out_ void **compiled)',
    ),
    destroyCompiledModel: bind<[Handle], void>('void LiteRtDestroyCompiledModel(void *compiled)'),
    getModelSignature: bind<[Handle, number, HandleOut]>(
      'int LiteRtGetModelSignature(void *model, size_t i, _Out_ void **signature)',
    ),
    getNumSignatureInputs: bind<[Handle, Out<number | bigint>]>(
      'int LiteRtGetNumSignatureInputs(void *signature, _Out_ size_t *n)',
    ),
    getNumSignatureOutputs: bind<[Handle, Out<number | bigint>]>(
      'int LiteRtGetNumSignatureOutputs(void *signature, _Out_ size_t *n)',
    ),
    getSignatureInput: bind<[Handle, number, HandleOut]>(
      'int LiteRtGetSignatureInputTensorByIndex(void *signature, size_t i, _Out_ void **tensor)',
    ),
    getSignatureOutput: bind<[Handle, number, HandleOut]>(
      'int LiteRtGetSignatureOutputTensorByIndex(void *signature, size_t i, _Out_ void **tensor)',
    ),
    getTensorName: bind<[Handle, Out<string>]>('int LiteRtGetTensorName(void *tensor, _Out_ const char **name)'),
    getRankedTensorType: bind<[Handle, Uint8Array]>('int LiteRtGetRankedTensorType(void *tensor, _Out_ uint8_t *type)'),
    getPerTensorQuantization: bind<[Handle, Uint8Array]>(
      'int LiteRtGetPerTensorQuantization(void *tensor, _Out_ uint8_t *quantization)',
    ),
    getInputLayout: bind<[Handle, number, number, Uint8Array]>(
      'int LiteRtGetCompiledModelInputTensorLayout(void *compiled, size_t signature, size_t i, _Out_ uint8_t *layout)',
    ),
    getOutputLayouts: bind<[Handle, number, number, Uint8Array, boolean]>(
      'int LiteRtGetCompiledModelOutputTensorLayouts(void *compiled, size_t signature, size_t n, _Out_ uint8_t *layouts, bool update)',
    ),
    getInputRequirements: bind<[Handle, number, number, HandleOut]>(
      'int LiteRtGetCompiledModelInputBufferRequirements(void *compiled, size_t signature, size_t i, _Out_ void **requirements)',
    ),
    getOutputRequirements: bind<[Handle, number, number, HandleOut]>(
      'int LiteRtGetCompiledModelOutputBufferRequirements(void *compiled, size_t signature, size_t i, _Out_ void **requirements)',
    ),
    createBuffer: bind<[Handle, Uint8Array, Handle, HandleOut]>(
      'int LiteRtCreateManagedTensorBufferFromRequirements(void *environment, void *type, void *requirements, _Out_ void **buffer)',
    ),
    destroyBuffer: bind<[Handle], void>('void LiteRtDestroyTensorBuffer(void *buffer)'),
    lockBuffer: bind<[Handle, HandleOut, number]>(
      'int LiteRtLockTensorBuffer(void *buffer, _Out_ void **address, int mode)',
    ),
    unlockBuffer: bind<[Handle]>('int LiteRtUnlockTensorBuffer(void *buffer)'),
    run: bind<[...RunArguments]>(
      'int LiteRtRunCompiledModel(void *compiled, size_t signature, size_t inputs, void **ins, size_t outputs, void **outs)',
    ),
    getErrorMessages: bind<[Handle, HandleOut]>(
      'int LiteRtCompiledModelGetErrorMessages(void *compiled, _Out_ void **text)',
    ),
    clearErrors: bind<[Handle]>('int LiteRtCompiledModelClearErrors(void *compiled)'),
  };
}
