/**
 * Brings one file of a release to this node, chunk by chunk: each chunk is asked for by range, counted while it comes, and
 * checked against its digest before the next is asked for. What was checked survives a broken line and a restart; what is
 * wrong, too short or too long is thrown away at its chunk, and never becomes a blob. A chunk that one source cannot give, or gives
 * wrong, is asked of the next.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { BlobStore } from '@atoll/artifacts/store';
import type { Sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, type ErrorCode, isAtollError } from '@atoll/base/error';
import { retry } from '@atoll/base/retry';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import type { BlobSource, BlobSources } from './blob-sources.js';

/** A file to bring, as a signed manifest describes it. */
export interface WantedBlob {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
  /** 32 raw bytes each, in order. */
  readonly chunkSha256: readonly Uint8Array[];
}

/** Where it comes from and goes to. */
export interface BlobRoute {
  readonly sources: BlobSources;
  readonly store: BlobStore;
  readonly partialPath: string;
}

/** How long one chunk may take, milliseconds. */
const chunkTimeoutMs = 30_000;
const wrongChunkPolicy = {
  attempts: 3,
  firstDelayMs: 100,
  maxDelayMs: 1_000,
  retryable: (error: unknown) => isAtollError(error, 'DATA_LOSS'),
};
/** What another source may do better. */
const faultsOfSource = new Set<ErrorCode>([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'DATA_LOSS',
  'NOT_FOUND',
  'PERMISSION_DENIED',
  'UNIMPLEMENTED',
  'INTERNAL',
]);
const awayPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  firstDelayMs: 100,
  maxDelayMs: 5_000,
  retryable: (error: unknown) => isAtollError(error, 'UNAVAILABLE') || isAtollError(error, 'DEADLINE_EXCEEDED'),
};

/**
 * Brings the blob into the store unless it is there. Waits while all sources are away until `signal` aborts; DATA_LOSS when a
 * chunk came wrong three times from all that have it, RESOURCE_EXHAUSTED when the disk is full. Gives the bytes that went over the line.
 */
export async function fetchBlob(route: BlobRoute, wanted: WantedBlob, signal: AbortSignal): Promise<number> {
  const { store, partialPath } = route;
  if ((await store.size(wanted.sha256)) !== undefined) return 0;
  const file = await openPartial(partialPath);
  let fetchedBytes = 0;
  try {
    const kept = await keptChunks(file, wanted);
    await file.truncate(Math.min(kept * wanted.chunkSizeBytes, wanted.sizeBytes));
    for (let index = kept; index < wanted.chunkSha256.length; index++) {
      const fetch = (): Promise<number> => fetchFromAny(route.sources, file, wanted, index, signal);
      fetchedBytes += await retry(awayPolicy, signal, () => retry(wrongChunkPolicy, signal, fetch));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await store.put(wanted, createReadStream(partialPath));
  await rm(partialPath, { force: true });
  return fetchedBytes;
}

/** Waits out a source that is away; see awayPolicy. */
export async function whileAway<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  return retry(awayPolicy, signal, task);
}

async function openPartial(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return open(path, 'wx+');
  }
}

/** How many whole chunks from the start are right. */
async function keptChunks(file: FileHandle, wanted: WantedBlob): Promise<number> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(Math.min(wanted.chunkSizeBytes, wanted.sizeBytes));
  for (const [index, digest] of wanted.chunkSha256.entries()) {
    const length = lengthOf(wanted, index);
    const position = index * wanted.chunkSizeBytes;
    if (position + length > size) return index;
    const { bytesRead } = await file.read(buffer, 0, length, position);
    if (bytesRead !== length || !isDigest(buffer.subarray(0, length), digest)) return index;
  }
  return wanted.chunkSha256.length;
}

/** One chunk, of the first source that gives it right; fails with what is the likeliest to pass, if any, of what they failed with. */
async function fetchFromAny(
  sources: BlobSources,
  file: FileHandle,
  wanted: WantedBlob,
  index: number,
  signal: AbortSignal,
): Promise<number> {
  const errors: AtollError[] = [];
  for (const source of sources.inOrder()) {
    try {
      return await fetchChunk(source, file, wanted, index, signal);
    } catch (error) {
      if (signal.aborted || !isAtollError(error) || !faultsOfSource.has(error.code)) throw error;
      sources.setBack(source);
      errors.push(error);
    }
  }
  const passing =
    errors.find((error) => awayPolicy.retryable(error)) ?? errors.find((error) => isAtollError(error, 'DATA_LOSS'));
  throw passing ?? errors[0] ?? new AtollError('UNAVAILABLE', `cannot fetch blob ${wanted.sha256}: there is no source`);
}

async function fetchChunk(
  { name, channel }: BlobSource,
  file: FileHandle,
  wanted: WantedBlob,
  index: number,
  signal: AbortSignal,
): Promise<number> {
  const length = lengthOf(wanted, index);
  const offset = index * wanted.chunkSizeBytes;
  const request = { sha256: wanted.sha256, offset: BigInt(offset), limitBytes: BigInt(length) };
  const hash = createHash('sha256');
  let received = 0;
  try {
    for await (const message of channel
      .client(BlobServiceService)
      .get(request, { signal, timeoutMs: chunkTimeoutMs })) {
      if (received === 0 && message.totalBytes !== BigInt(wanted.sizeBytes)) {
        throw wrong(name, wanted, index, `it has ${message.totalBytes} bytes, the release says ${wanted.sizeBytes}`);
      }
      if (received + message.chunk.length > length)
        throw wrong(name, wanted, index, 'more bytes came than were asked for');
      hash.update(message.chunk);
      await file.write(message.chunk, 0, message.chunk.length, offset + received);
      received += message.chunk.length;
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
    throw new AtollError('RESOURCE_EXHAUSTED', `cannot fetch blob ${wanted.sha256}: no space left on the disk`, {
      cause: error,
    });
  }
  if (received !== length) throw wrong(name, wanted, index, `${received} of ${length} bytes came`);
  const expected = wanted.chunkSha256[index];
  if (expected === undefined || !hash.digest().equals(expected))
    throw wrong(name, wanted, index, 'its digest is another');
  return received;
}

function lengthOf({ sizeBytes, chunkSizeBytes }: WantedBlob, index: number): number {
  return Math.min(chunkSizeBytes, sizeBytes - index * chunkSizeBytes);
}

function isDigest(bytes: Uint8Array, digest: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest().equals(digest);
}

function wrong(source: string, { sha256 }: WantedBlob, index: number, reason: string): AtollError {
  return new AtollError('DATA_LOSS', `cannot take chunk ${index} of blob ${sha256} from ${source}: ${reason}`);
}
