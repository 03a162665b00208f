// The little of FlexBuffers that the Edge TPU's custom options need: a map of integers, strings and bytes, every offset checked.
// Source: google/flatbuffers, flexbuffers.h and docs "FlexBuffers", section on the binary format.
import { AtollError } from '@atoll/base/error';

/** A value of a decoded map; kinds that Atoll does not read are null. */
export type FlexValue = number | Uint8Array | null;

const types = { int: 1, uint: 2, key: 4, text: 5, map: 9, blob: 25, bool: 26 } as const;

/** The root map; string and blob values are views into `bytes`. DATA_LOSS when it is not a map or is damaged. */
export function decodeFlexMap(bytes: Uint8Array, what: string): ReadonlyMap<string, FlexValue> {
  const read = reader(bytes, what);
  const rootWidth = bytes[bytes.length - 1] ?? 0;
  const packed = bytes[bytes.length - 2] ?? 0;
  if (packed >> 2 !== types.map) throw read.damaged('its root is not a map');
  const rootAt = bytes.length - 2 - rootWidth;
  const map = rootAt - read.uint(rootAt, rootWidth);
  const width = 1 << (packed & 3);
  const size = read.uint(map - width, width);
  const keysWidth = read.uint(map - 2 * width, width);
  const keys = map - 3 * width - read.uint(map - 3 * width, width);
  read.need(map, size * (width + 1));
  const values = new Map<string, FlexValue>();
  for (let index = 0; index < size; index++) {
    const keyAt = keys + index * keysWidth;
    const name = read.name(keyAt - read.uint(keyAt, keysWidth));
    values.set(name, read.value(map + index * width, width, bytes[map + size * width + index] ?? 0));
  }
  return values;
}

function reader(bytes: Uint8Array, what: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = (why: string): AtollError => new AtollError('DATA_LOSS', `cannot read ${what}: ${why}`);
  const need = (at: number, sizeBytes: number): void => {
    if (at < 0 || at + sizeBytes > bytes.length) throw damaged(`byte ${at + sizeBytes} of ${bytes.length} is needed`);
  };
  const uint = (at: number, width: number): number => {
    need(at, width);
    if (width === 1) return view.getUint8(at);
    if (width === 2) return view.getUint16(at, true);
    if (width === 4) return view.getUint32(at, true);
    if (width === 8) return Number(view.getBigUint64(at, true));
    throw damaged(`a number has ${width} bytes`);
  };
  const int = (at: number, width: number): number => Number(BigInt.asIntN(8 * width, BigInt(uint(at, width))));
  const name = (at: number): string => {
    need(at, 1);
    const end = bytes.indexOf(0, at);
    if (end < 0) throw damaged('a key does not end');
    return new TextDecoder().decode(bytes.subarray(at, end));
  };
  const value = (at: number, width: number, packed: number): FlexValue => {
    switch (packed >> 2) {
      case types.int:
        return int(at, width);
      case types.uint:
      case types.bool:
        return uint(at, width);
      case types.text:
      case types.blob: {
        const start = at - uint(at, width);
        const sizeWidth = 1 << (packed & 3);
        const size = uint(start - sizeWidth, sizeWidth);
        need(start, size);
        return bytes.subarray(start, start + size);
      }
      default:
        return null;
    }
  };
  return { uint, need, name, value, damaged };
}
