/*
 * A Coral Edge TPU through libedgetpu, which is a TFLite delegate plug-in: two functions, one that makes a delegate from key and
 * value strings and one that destroys it. libedgetpu aborts the process when a device fails, so this runs in a disposable child.
 */
import { AtollError } from '@atoll/base/error';
import type { ErrorLog } from './error-log.js';
import type { LoadedModel } from './model.js';
import { copyToNative, loadLibrary } from './native.js';
import type { Handle, NativeLibrary } from './native.js';
import { openWithDelegate } from './tflite.js';
import type { Delegate } from './tflite.js';

/** The name under which libedgetpu installs itself. */
export const edgeTpuLibrary = 'libedgetpu.so.1';

/** The name of the operator that holds a compiled Edge TPU program. */
export const edgeTpuOperator = 'edgetpu-custom-op';

/** True for a file that holds an Edge TPU program and so runs on nothing else. */
export function isEdgeTpuModel(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(edgeTpuOperator);
}

/** Opens a compiled model on an Edge TPU; UNAVAILABLE without libedgetpu or without a device. `options` are libedgetpu's own, such as {device: 'usb:0'}. */
export function openEdgeTpu(
  bytes: Uint8Array,
  tfLitePath: string,
  edgeTpuPath: string = edgeTpuLibrary,
  options: Readonly<Record<string, string>> = {},
): LoadedModel {
  return openWithDelegate(bytes, tfLitePath, (log) => edgeTpuDelegate(edgeTpuPath, options, log));
}

function edgeTpuDelegate(path: string, options: Readonly<Record<string, string>>, log: ErrorLog): Delegate {
  const { create, destroy } = loadLibrary(path, 'the Edge TPU runtime (libedgetpu)', bindPlugIn);
  const entries = Object.entries(options);
  const keys = entries.map(([key]) => copyToNative(Buffer.from(key), true));
  const values = entries.map(([, value]) => copyToNative(Buffer.from(value), true));
  const addresses = (blocks: readonly { address: Handle }[]) => BigUint64Array.from(blocks, (block) => block.address);
  try {
    const handle = create(addresses(keys), addresses(values), entries.length, log.printer);
    if (handle === null || handle === 0n) {
      const why = log.take('no Edge TPU answers; is one plugged in, and may this user reach it?');
      throw new AtollError('UNAVAILABLE', `cannot use an Edge TPU: ${why}`);
    }
    return { handle, free: () => destroy(handle) };
  } finally {
    for (const block of [...keys, ...values]) block.free();
  }
}

function bindPlugIn(library: NativeLibrary) {
  const create = library.func('tflite_plugin_create_delegate', 'void *', ['void *', 'void *', 'size_t', 'void *']);
  const destroy = library.func('tflite_plugin_destroy_delegate', 'void', ['void *']);
  return {
    create: create as unknown as (
      keys: BigUint64Array,
      values: BigUint64Array,
      n: number,
      report: Handle,
    ) => Handle | null,
    destroy: destroy as unknown as (delegate: Handle) => void,
  };
}
