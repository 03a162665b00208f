// The little of the zip format that TFLite Metadata needs: an archive of stored entries behind the bytes of a model, with
// offsets counted from the start of the whole file. Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
import { crc32, inflateRawSync } from 'node:zlib';
import { AtollError, reasonOf } from '@atoll/base/error';

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

const localMark = 0x04034b50;
const centralMark = 0x02014b50;
const endMark = 0x06054b50;
const endBytes = 22;
/** 1 January 1980, the first day that zip knows: archives of the same files are the same bytes. */
const noDate = 0x21;

/** `prefix` followed by an archive of the entries, uncompressed: some readers of TFLite Metadata take nothing else. */
export function appendZip(prefix: Uint8Array, entries: readonly ZipEntry[]): Uint8Array {
  const parts: Uint8Array[] = [prefix];
  const directory: Uint8Array[] = [];
  let offset = prefix.length;
  for (const { name, data } of entries) {
    const bytes = new TextEncoder().encode(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(noDate, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    const local = Buffer.concat([u32(localMark), common, bytes, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([u32(centralMark), Buffer.from([20, 0]), common, tail, bytes]));
    parts.push(local);
    offset += local.length;
  }
  const directoryBytes = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = Buffer.alloc(endBytes);
  end.writeUInt32LE(endMark, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** The entries of an archive at the end of `file`, none when there is no archive; DATA_LOSS when it is damaged or above the limit. */
export function readZip(file: Uint8Array, what: string, maxBytes = 16 * 1024 * 1024): readonly ZipEntry[] {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const end = findEnd(view);
  if (end === undefined) return [];
  try {
    return readDirectory(view, end, maxBytes);
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot read the files attached to ${what}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function findEnd(view: Buffer): number | undefined {
  const least = Math.max(0, view.length - endBytes - 0xffff);
  for (let at = view.length - endBytes; at >= least; at--) {
    if (view.readUInt32LE(at) === endMark && at + endBytes + view.readUInt16LE(at + 20) === view.length) return at;
  }
  return undefined;
}

/** Reads past the end throw a RangeError of Buffer, which readZip turns into one line. */
function readDirectory(view: Buffer, end: number, maxBytes: number): readonly ZipEntry[] {
  const count = view.readUInt16LE(end + 10);
  const directory = end - view.readUInt32LE(end + 12);
  // Offsets count from the start of the file, or of the archive in files by some writers.
  const shift = directory - view.readUInt32LE(end + 16);
  const entries: ZipEntry[] = [];
  let at = directory;
  let total = 0;
  for (let index = 0; index < count; index++) {
    if (view.readUInt32LE(at) !== centralMark) throw new RangeError(`entry ${index} of the directory is missing`);
    const nameBytes = view.readUInt16LE(at + 28);
    const name = view.toString('utf8', at + 46, at + 46 + nameBytes);
    const size = view.readUInt32LE(at + 24);
    total += size;
    if (total > maxBytes) throw new RangeError(`${name} takes it over the limit of ${maxBytes} bytes`);
    const packedSize = view.readUInt32LE(at + 20);
    const local = view.readUInt32LE(at + 42) + shift;
    const start = local + 30 + view.readUInt16LE(local + 26) + view.readUInt16LE(local + 28);
    if (start + packedSize > view.length) throw new RangeError(`${name} ends outside the file`);
    const packed = view.subarray(start, start + packedSize);
    const method = view.readUInt16LE(at + 10);
    if (method !== 0 && method !== 8) throw new RangeError(`${name} is packed by the unknown method ${method}`);
    const data = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
    if (data.length !== size || crc32(data) !== view.readUInt32LE(at + 16)) {
      throw new RangeError(`${name} does not match its checksum`);
    }
    entries.push({ name, data });
    at += 46 + nameBytes + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32);
  }
  return entries;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}
