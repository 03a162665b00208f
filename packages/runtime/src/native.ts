/*
 * The C side shared by the native backends: memory that outlives a call, loading of libraries, and the settings of koffi.
 * A handle or address is a bigint; 0n and null both mean none. Whoever allocates frees, and a wrong prototype ends the process,
 * which is why nodes run models in a disposable child.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import koffi from 'koffi';
import type { KoffiFunc } from 'koffi';
import { AtollError, reasonOf } from '@atoll/base/error';

/** An opaque pointer. */
export type Handle = bigint;

/** The bound C functions of a library; every one is called through a prototype of its own. */
export type NativeLibrary = ReturnType<typeof koffi.load>;

/** Kernels of TFLite need more stack than the 128 KiB that koffi gives to a call off the event loop. */
const asyncStackBytes = 1024 * 1024;

/**
 * Whether calls off the event loop have stack enough. Koffi takes settings only before the first library of the process is
 * loaded; where another part was first, models run on the calling thread instead.
 */
const asyncCalls: boolean = raiseAsyncStack();

/** Calls a C function off the event loop; what its arguments point at must stay where it is until the promise settles. */
export async function callOffLoop<A extends unknown[], R>(call: KoffiFunc<(...a: A) => R>, ...a: A): Promise<R> {
  if (!asyncCalls) return call(...a);
  return await new Promise<R>((resolve, reject) => {
    call.async(...a, (error: unknown, result: R) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error instanceof Error ? error : new Error('koffi cannot make the call', { cause: error }));
    });
  });
}

/**
 * Loads a shared library by path, or by name through the system's search path, and binds its functions. UNAVAILABLE says why
 * it cannot: the file is not there, does not load on this machine, or lacks a function.
 */
export function loadLibrary<T>(path: string, purpose: string, bind: (library: NativeLibrary) => T): T {
  if (path.includes('/') && !existsSync(path)) {
    throw new AtollError('UNAVAILABLE', `cannot load ${purpose}: ${path} is not there`);
  }
  try {
    return bind(koffi.load(path));
  } catch (error) {
    const reason = reasonOf(error).trim();
    throw new AtollError('UNAVAILABLE', `cannot load ${purpose} from ${basename(path)}: ${reason}`, { cause: error });
  }
}

/** A block of C memory. */
export interface NativeBlock {
  readonly address: Handle;
  free(): void;
}

/** Copies bytes into C memory, where they stay until freed; `zeroEnded` adds a NUL. */
export function copyToNative(bytes: Uint8Array, zeroEnded = false): NativeBlock {
  const sizeBytes = bytes.byteLength + (zeroEnded ? 1 : 0);
  const address = allocate(Math.max(sizeBytes, 1));
  const view = nativeView(address, sizeBytes);
  view.set(bytes);
  if (zeroEnded) view[bytes.byteLength] = 0;
  return { address, free: () => koffi.free(address) };
}

/** Tensors of a model file begin at multiples of this many bytes, in the file and so in memory. */
const modelAlignment = 16n;

/**
 * The bytes of a model for a library that borrows them: the very memory of `bytes` where it is aligned and stays in place, which
 * saves the size of the model, else a copy. Until freed, `bytes` is kept from collection and must not change.
 */
export function borrowForNative(bytes: Uint8Array): NativeBlock {
  const { buffer } = bytes; // Asking for it moves a small array off V8's heap, on which it would not stay in place.
  if (bytes.byteLength === 0 || !(buffer instanceof ArrayBuffer)) return copyToNative(bytes);
  const address = koffi.address(bytes);
  if (address % modelAlignment !== 0n) return copyToNative(bytes);
  const kept = [bytes];
  return {
    address,
    free: () => {
      kept.length = 0;
    },
  };
}

/** A window on C memory; it is the caller's duty not to use it once the memory is gone. */
export function nativeView(address: Handle, sizeBytes: number): Uint8Array {
  return sizeBytes === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(address, sizeBytes));
}

/** The address of C's own `free`, for libraries that take ownership of a block. */
export function freeFunction(): Handle {
  return koffi.load(null).symbol('free') as Handle;
}

function allocate(sizeBytes: number): Handle {
  const address = koffi.alloc('uint8_t', sizeBytes) as Handle | null;
  if (address === null || address === 0n) {
    throw new AtollError('RESOURCE_EXHAUSTED', `cannot allocate ${sizeBytes} bytes for a model: out of memory`);
  }
  return address;
}

function raiseAsyncStack(): boolean {
  if ((koffi.config().async_stack_size ?? 0) >= asyncStackBytes) return true;
  try {
    koffi.config({ ...koffi.config(), async_stack_size: asyncStackBytes });
    return true;
  } catch {
    return false; // The reason is always the same: a library was loaded before; the contract above says what follows.
  }
}

/** prctl(PR_SET_PDEATHSIG, SIGKILL), linux/prctl.h: no way of dying of the parent may leave this process behind. */
const setParentDeathSignal = 1;
const killSignal = 9;

/** Makes the kernel end this process together with its parent, even while it is stuck in a library; Linux only, elsewhere nothing. */
export function endWithParent(): void {
  if (process.platform !== 'linux') return;
  koffi.load(null).func('int prctl(int option, unsigned long value)')(setParentDeathSignal, killSignal);
}

/**
 * Gives the memory that closed models leave in the allocator back to the system; what it keeps grows with every model that
 * comes and goes. glibc only (malloc_trim, malloc.h); with another C library nothing.
 */
export function trimMemory(): void {
  if (process.platform !== 'linux') return;
  let trim: ((pad: number) => number) | undefined;
  try {
    trim = koffi.load(null).func('int malloc_trim(size_t pad)') as unknown as (pad: number) => number;
  } catch {
    return; // musl has no such function, and gives memory back by itself.
  }
  trim(0);
}
