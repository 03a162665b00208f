/*
 * A Coral Edge TPU through libedgetpu, a TFLite delegate. Whoever holds one is its only owner on the machine, and keeps its
 * context open through one delegate that runs nothing, so that models come and go without the device being opened anew, which
 * takes seconds on USB. libedgetpu may abort the process when a device fails, so this belongs in a disposable child; and a
 * device that was lost is lost for that process: a new one opens it again.
 */
import { AtollError, reasonOf } from '@atoll/base/error';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import { readModel } from '@atoll/tflite/read';
import { accessFault } from './device-access.js';
import { lockDevice } from './device-lock.js';
import { parseDeviceName } from './device-name.js';
import { bindEdgeTpu, nativeOptions } from './edgetpu-api.js';
import type { EdgeTpuApi, ListedDevice } from './edgetpu-api.js';
import { checkEdgeTpuOptions } from './edgetpu-options.js';
import type { LoadedModel } from './model.js';
import { loadLibrary } from './native.js';
import { openWithDelegate } from './tflite.js';

/** The name under which libedgetpu installs itself. */
export const edgeTpuLibrary = 'libedgetpu.so.1';

/** Which device to hold, and how. */
export interface EdgeTpuChoice {
  /** Path of TFLite's C library, which runs the interpreters. */
  readonly tfLite: string;
  /** Path or name of libedgetpu; default libedgetpu.so.1 on the system's search path. */
  readonly library?: string;
  /** Such as usb:0; undefined = the first there is. */
  readonly device?: string;
  /** libedgetpu's own, such as {Performance: 'High'}. */
  readonly options?: Readonly<Record<string, string>>;
}

/** An Edge TPU that this process owns. */
export interface EdgeTpu {
  /** As it was named, or its bus and place. */
  readonly device: string;
  /** Its place in the system. */
  readonly path: string;
  /** Opens a compiled model on it; FAILED_PRECONDITION for a file that this runtime would refuse. */
  open(bytes: Uint8Array): LoadedModel;
  /** Gives the device back; every model on it must be closed. */
  close(): void;
}

/** Opens a device and keeps it. UNAVAILABLE, with the remedy: no library, no such device, no permission, or another owner. */
export function holdEdgeTpu(choice: EdgeTpuChoice): EdgeTpu {
  const { tfLite, library = edgeTpuLibrary, device, options = {} } = choice;
  checkEdgeTpuOptions(options);
  const api = loadLibrary(library, 'the Edge TPU runtime (libedgetpu; its package is libedgetpu1-std)', bindEdgeTpu);
  const found = findDevice(api, device);
  const name = device ?? `${found.bus}:${found.path}`;
  const given = nativeOptions(options);
  const undo: (() => void)[] = [() => given.free()];
  const close = (): void => {
    for (const step of undo.splice(0).toReversed()) step();
  };
  const createDelegate = () => {
    const handle = api.createDelegate(found, given);
    if (handle !== null) return { handle, free: () => api.freeDelegate(handle) };
    throw unusable(name, accessFault(found) ?? `${found.path} does not open; another program may hold it`);
  };
  try {
    const lock = ownDevice(name, found);
    undo.push(() => lock.release());
    const keeper = createDelegate();
    undo.push(() => keeper.free());
  } catch (error) {
    close();
    throw error;
  }
  return {
    device: name,
    path: found.path,
    open(bytes) {
      checkCompiled(bytes, api);
      return openWithDelegate(bytes, tfLite, createDelegate);
    },
    close,
  };
}

/** Opens a compiled model on a device that is held for it alone and given back with it. */
export function openEdgeTpu(bytes: Uint8Array, choice: EdgeTpuChoice): LoadedModel {
  const held = holdEdgeTpu(choice);
  try {
    const model = held.open(bytes);
    const close = async (): Promise<void> => {
      await model.close();
      held.close();
    };
    return { ...model, close };
  } catch (error) {
    held.close();
    throw error;
  }
}

function findDevice(api: EdgeTpuApi, text: string | undefined): ListedDevice {
  const listed = api.listDevices();
  const { bus, at } = text === undefined ? { bus: undefined, at: 0 } : parseDeviceName(text);
  const onBus = bus === undefined ? listed : listed.filter((one) => one.bus === bus);
  const found = typeof at === 'number' ? onBus[at] : onBus.find(({ path }) => path === at);
  if (found !== undefined) return found;
  const others = listed.map((one) => `${one.bus}:${one.path}`).join(', ');
  const ids = '1a6e:089a or 18d1:9302 on USB, 1ac1:089a on PCIe';
  const why = others === '' ? `none is plugged in (lsusb and lspci show ${ids})` : `there is ${others}`;
  throw unusable(text ?? 'of any kind', why);
}

function ownDevice(name: string, { path }: ListedDevice) {
  try {
    return lockDevice(path);
  } catch (error) {
    throw unusable(name, `${path}: ${reasonOf(error)}`, error);
  }
}

/** Tells what the runtime would refuse, and would tell in its log alone, before the file comes near the device. */
function checkCompiled(bytes: Uint8Array, api: EdgeTpuApi): void {
  const compiled = inspectEdgeTpu(readModel(bytes));
  if (compiled === null)
    throw new AtollError('FAILED_PRECONDITION', 'cannot open the model on an Edge TPU: it was not compiled for one');
  const version = api.version();
  const runtime = Number(/RuntimeVersion\((\d+)\)/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY);
  if (compiled.minRuntimeVersion > runtime) {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot open the model on an Edge TPU: it needs runtime ${compiled.minRuntimeVersion} and libedgetpu here is ${runtime}: install a newer one, or compile with --min_runtime_version ${runtime}`,
    );
  }
  const [problem] = compiled.problems;
  if (problem !== undefined)
    throw new AtollError('FAILED_PRECONDITION', `cannot open the model on an Edge TPU: ${problem}`);
}

function unusable(device: string, why: string, cause?: unknown): AtollError {
  return new AtollError('UNAVAILABLE', `cannot use Edge TPU ${device}: ${why}`, { cause });
}
