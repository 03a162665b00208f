import { existsSync } from 'node:fs';
import { AtollError } from '@atoll/base/error';
import type { EdgeTpu, EdgeTpuChoice } from './edgetpu.js';
import { isEdgeTpuModel } from './edgetpu-file.js';
import type { LoadedModel } from './model.js';

/** What runs a model on a CPU. */
export type CpuBackend = 'native-litert' | 'native-tflite' | 'wasm';

/** Which machinery the caller wants; `native` is LiteRT where its library is there, else TFLite. */
export type BackendChoice = 'auto' | 'native' | CpuBackend | 'edgetpu';

/** Where the native libraries are; a file may be absent. `edgeTpu` defaults to libedgetpu.so.1 on the system's search path. */
export interface Libraries {
  readonly liteRt: string;
  readonly tfLite: string;
  readonly edgeTpu?: string;
}

/** How to open a model; threads defaults to 1, which is the fastest choice where models run side by side. */
export interface OpenOptions {
  readonly backend: BackendChoice;
  readonly libraries: Libraries;
  readonly threads?: number;
  /** The device that compiled models run on; without it, one is held for as long as the model is open. */
  readonly edgeTpu?: EdgeTpu;
}

/** Models above this size are refused before a library sees them. */
export const maxModelBytes = 512 * 1024 * 1024;

/**
 * Opens a .tflite file that is in memory. `auto` takes an Edge TPU for a compiled file, else native, else wasm, and goes on to
 * the next when a library is missing or cannot run this model. INVALID_ARGUMENT: not an intact model; FAILED_PRECONDITION: a
 * model that this backend cannot run; UNAVAILABLE: the backend is not on this machine. The message carries the library's reason.
 * Native libraries read `bytes` in place for as long as the model is open: until close() has settled the caller neither changes,
 * resizes nor transfers them.
 */
export async function openModel(bytes: Uint8Array, options: OpenOptions): Promise<LoadedModel> {
  if (bytes.byteLength > maxModelBytes) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot open the model: ${bytes.byteLength} bytes are above the limit of ${maxModelBytes}`,
    );
  }
  const { backend, libraries, threads = 1 } = options;
  // What is not used is not loaded either.
  const liteRt: Opener = async () => {
    const { openLiteRt } = await import('./litert.js');
    return openLiteRt(bytes, libraries.liteRt, threads);
  };
  const tfLite: Opener = async () => {
    const { openTfLite } = await import('./tflite.js');
    return openTfLite(bytes, libraries.tfLite, threads);
  };
  const native: readonly Opener[] = [
    ...(existsSync(libraries.liteRt) ? [liteRt] : []),
    ...(existsSync(libraries.tfLite) ? [tfLite] : []),
  ];
  const wasm: Opener = async () => {
    const { openWasm } = await import('./wasm.js');
    return openWasm(bytes);
  };
  const edgeTpu = async (): Promise<LoadedModel> => {
    if (options.edgeTpu !== undefined) return options.edgeTpu.open(bytes);
    const { openEdgeTpu } = await import('./edgetpu.js');
    return openEdgeTpu(bytes, edgeTpuOf(libraries));
  };
  switch (backend) {
    case 'edgetpu':
      return await edgeTpu();
    case 'wasm':
      return await wasm();
    case 'native-litert':
      return await present(libraries.liteRt, liteRt)();
    case 'native-tflite':
      return await present(libraries.tfLite, tfLite)();
    case 'native':
      if (native.length > 0) return await firstThatOpens(native);
      throw new AtollError(
        'UNAVAILABLE',
        `cannot open the model with a native library: neither ${libraries.liteRt} nor ${libraries.tfLite} is there`,
      );
    case 'auto':
      return isEdgeTpuModel(bytes) ? await edgeTpu() : await firstThatOpens([...native, wasm]);
  }
}

function edgeTpuOf({ tfLite, edgeTpu }: Libraries): EdgeTpuChoice {
  return edgeTpu === undefined ? { tfLite } : { tfLite, library: edgeTpu };
}

function present(library: string, open: Opener): Opener {
  if (existsSync(library)) return open;
  throw new AtollError('UNAVAILABLE', `cannot open the model with ${library || 'a native library'}: it is not there`);
}

type Opener = () => Promise<LoadedModel>;

/** A file that is no intact model is so for everyone; for any other failure the next one is asked, and the first reason is told. */
async function firstThatOpens(openers: readonly Opener[]): Promise<LoadedModel> {
  let first: unknown;
  for (const open of openers) {
    try {
      return await open();
    } catch (error) {
      first ??= error;
      if (!(error instanceof AtollError) || error.code === 'INVALID_ARGUMENT') break;
    }
  }
  throw first;
}
