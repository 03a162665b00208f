// Prototypes of libedgetpu's C interface (edgetpu_c.h of google-coral/libedgetpu); a wrong one ends the process.
import koffi from 'koffi';
import type { Bus } from './device-name.js';
import { copyToNative } from './native.js';
import type { Handle, NativeLibrary } from './native.js';

/** An Edge TPU that the library sees. */
export interface ListedDevice {
  readonly bus: Bus;
  /** Its place in the system, such as /dev/apex_0 or /sys/bus/usb/devices/2-1. */
  readonly path: string;
}

/** The functions of the library that Atoll calls, typed. */
export type EdgeTpuApi = ReturnType<typeof bindEdgeTpu>;

/** EDGETPU_APEX_PCI and EDGETPU_APEX_USB. */
const buses: readonly Bus[] = ['pci', 'usb'];

/** Binds them in a loaded library. */
export function bindEdgeTpu(library: NativeLibrary) {
  const device = koffi.struct({ type: 'int', path: 'const char *' });
  const list = library.func('void *edgetpu_list_devices(_Out_ size_t *count)') as unknown as (
    count: [number | bigint | null],
  ) => Handle | null;
  const freeList = library.func('void edgetpu_free_devices(void *devices)') as unknown as (devices: Handle) => void;
  const create = library.func(
    'void *edgetpu_create_delegate(int type, const char *name, void *options, size_t count)',
  ) as unknown as (type: number, name: string, options: BigUint64Array | null, count: number) => Handle | null;
  const version = library.func('const char *edgetpu_version()') as unknown as () => string | null;
  const freeDelegate = library.func('void edgetpu_free_delegate(void *delegate)') as unknown as (
    delegate: Handle,
  ) => void;
  return {
    freeDelegate,
    /** Such as "BuildLabel(…), RuntimeVersion(14)". */
    version: (): string => version() ?? '',
    /** All that are plugged in, taken or not. */
    listDevices(): readonly ListedDevice[] {
      const count: [number | bigint | null] = [0];
      const devices = list(count);
      if (devices === null || devices === 0n) return [];
      try {
        const rows = koffi.decode(devices, koffi.array(device, Number(count[0]))) as { type: number; path: string }[];
        return rows.flatMap(({ type, path }) => {
          const bus = buses[type];
          return bus === undefined ? [] : [{ bus, path }];
        });
      } finally {
        freeList(devices);
      }
    },
    /** A delegate on an opened device, null when it does not open; `options` is an array of {name, value} addresses. */
    createDelegate: ({ bus, path }: ListedDevice, options: NativeOptions): Handle | null => {
      const { table, count } = options;
      const handle = create(buses.indexOf(bus), path, count === 0 ? null : table, count);
      return handle === 0n ? null : handle;
    },
  };
}

/** Options in C memory: an array of pairs of addresses, and what they point at. */
export interface NativeOptions {
  readonly table: BigUint64Array;
  readonly count: number;
  free(): void;
}

/** Copies options into C memory, where they stay until freed, which is when the last delegate made with them is. */
export function nativeOptions(options: Readonly<Record<string, string>>): NativeOptions {
  const texts = Object.entries(options).flat();
  const blocks = texts.map((text) => copyToNative(Buffer.from(text), true));
  return {
    table: BigUint64Array.from(blocks, ({ address }) => address),
    count: texts.length / 2,
    free: () => blocks.forEach((block) => block.free()),
  };
}
