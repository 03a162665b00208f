/** The client side of BlobService: sends only what is missing, resumes downloads where they broke off, verifies digests. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlobServiceService, type PutRequest } from '@atoll/proto/atoll/v1/blob';
import type { Sha256 } from '@atoll/base/digest';
import { AtollError, isAtollError } from '@atoll/base/error';
import { temporaryBeside } from '@atoll/base/files';
import { retry } from '@atoll/base/retry';
import type { Channel } from '@atoll/rpc/channel';

const chunkBytes = 256 * 1024;

/** A blob to send: its name and where its bytes are. */
export interface OutgoingBlob {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array };
}

/** Sends those of the blobs that the service does not hold yet; gives how many went over. */
export async function uploadBlobs(
  channel: Channel,
  blobs: readonly OutgoingBlob[],
  signal: AbortSignal,
): Promise<number> {
  const client = channel.client(BlobServiceService);
  const unique = [...new Map(blobs.map((blob) => [blob.sha256, blob])).values()];
  const missing = new Set<string>();
  for (let from = 0; from < unique.length; from += 10_000) {
    const sha256 = unique.slice(from, from + 10_000).map((blob) => blob.sha256);
    for (const digest of (await client.findMissing({ sha256 }, { signal })).missingSha256) missing.add(digest);
  }
  if (missing.size === 0) return 0;
  await client.put(partsOf(unique.filter((blob) => missing.has(blob.sha256))), { signal });
  return missing.size;
}

async function* partsOf(blobs: readonly OutgoingBlob[]): AsyncGenerator<PutRequest> {
  for (const { sha256, sizeBytes, source } of blobs) {
    yield { part: { $case: 'header', value: { sha256, sizeBytes: BigInt(sizeBytes) } } };
    for await (const bytes of bytesOf(source)) yield { part: { $case: 'chunk', value: bytes } };
  }
}

async function* bytesOf(source: OutgoingBlob['source']): AsyncGenerator<Buffer> {
  if ('path' in source) {
    for await (const chunk of createReadStream(source.path, { highWaterMark: chunkBytes })) yield chunk as Buffer;
    return;
  }
  for (let from = 0; from < source.bytes.length; from += chunkBytes)
    yield Buffer.from(source.bytes.subarray(from, from + chunkBytes));
}

/** Fetches a whole blob into memory; RESOURCE_EXHAUSTED beyond `maxBytes`, DATA_LOSS when the digest does not match. */
export async function downloadBytes(
  channel: Channel,
  sha256: Sha256,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of resumed(channel, sha256, signal)) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes)
      throw new AtollError('RESOURCE_EXHAUSTED', `cannot fetch blob ${sha256}: it is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== sha256)
    throw new AtollError('DATA_LOSS', `cannot fetch blob ${sha256}: what came has digest ${digest}`);
  return bytes;
}

/** Fetches a blob into a file, which appears only when it is whole and verified. */
export async function downloadFile(channel: Channel, sha256: Sha256, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryBeside(path);
  const hash = createHash('sha256');
  try {
    const handle = await open(temporary, 'wx');
    try {
      for await (const chunk of resumed(channel, sha256, signal)) {
        hash.update(chunk);
        await handle.write(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const digest = hash.digest('hex');
    if (digest !== sha256)
      throw new AtollError('DATA_LOSS', `cannot fetch blob ${sha256}: what came has digest ${digest}`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Connections that may break one after the other without a byte between them. */
const mostFruitless = 5;

/** The bytes of a blob across broken connections: each new try asks for the rest only. */
async function* resumed(channel: Channel, sha256: Sha256, signal: AbortSignal): AsyncGenerator<Buffer> {
  const client = channel.client(BlobServiceService);
  let offset = 0;
  let totalBytes: number | undefined;
  let fruitless = 0;
  while (totalBytes === undefined || offset < totalBytes) {
    const before = offset;
    const request = { sha256, offset: BigInt(offset), limitBytes: 0n };
    const opened = await retry(
      { attempts: 5, firstDelayMs: 100, maxDelayMs: 2_000, retryable: (error) => isAtollError(error, 'UNAVAILABLE') },
      signal,
      async () => {
        const messages = client.get(request, { signal })[Symbol.asyncIterator]();
        return { messages, first: await messages.next() };
      },
    );
    try {
      for (let next = opened.first; next.done !== true; next = await opened.messages.next()) {
        totalBytes ??= offset + Number(next.value.totalBytes);
        offset += next.value.chunk.length;
        if (offset > totalBytes) throw cut(sha256, `more than the ${totalBytes} bytes announced came`);
        yield next.value.chunk;
      }
      if (totalBytes === undefined || offset < totalBytes)
        throw cut(sha256, `${offset} of ${totalBytes ?? 'unknown'} bytes came`);
    } catch (error) {
      if (!isAtollError(error, 'UNAVAILABLE')) throw error;
      fruitless = offset > before ? 0 : fruitless + 1;
      if (fruitless >= mostFruitless) throw error;
    }
  }
}

function cut(sha256: Sha256, reason: string): AtollError {
  return new AtollError('DATA_LOSS', `cannot fetch blob ${sha256}: ${reason}`);
}
