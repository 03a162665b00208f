/**
 * Blobs as files: ROOT/ab/abcdef… . A blob is written under a temporary name, hashed on the way, synced, and renamed,
 * so that a name under ROOT/xx/ always means complete and verified bytes. Reads that cover a whole blob are verified again.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseSha256, type Sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { removeLeftovers, syncDirectory, temporaryBeside } from '@atoll/base/files';
import type { BlobStore } from './store.js';

/** What a file store refuses beyond. */
export interface FileStoreLimits {
  /** Largest blob in bytes. */
  readonly maxBlobBytes: number;
}

/** Opens (and makes) a content-addressed store in a folder of one process; what an earlier one left half-written goes. */
export async function openFileStore(
  root: string,
  limits: FileStoreLimits = { maxBlobBytes: 1 << 30 },
): Promise<BlobStore> {
  await mkdir(root, { recursive: true });
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeLeftovers(join(root, entry.name));
  }
  const pathOf = (sha256: Sha256): string => join(root, parseSha256(sha256).slice(0, 2), sha256);

  const size = async (sha256: Sha256): Promise<number | undefined> => {
    try {
      return (await stat(pathOf(sha256))).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  };

  const path = async (sha256: Sha256): Promise<string> => {
    if ((await size(sha256)) === undefined) throw notHeld(sha256);
    return pathOf(sha256);
  };

  return {
    size,
    path,
    put: async (expected, chunks) => {
      if (expected.sizeBytes > limits.maxBlobBytes) {
        throw new AtollError(
          'INVALID_ARGUMENT',
          `cannot store ${expected.sha256}: its ${expected.sizeBytes} bytes exceed the limit of ${limits.maxBlobBytes}`,
        );
      }
      const target = pathOf(expected.sha256);
      await mkdir(dirname(target), { recursive: true });
      const temporary = temporaryBeside(target);
      try {
        await writeVerified(temporary, expected, chunks);
        await rename(temporary, target);
      } catch (error) {
        await rm(temporary, { force: true });
        if (errnoOf(error) === 'ENOSPC') {
          throw new AtollError(
            'RESOURCE_EXHAUSTED',
            `cannot store ${expected.sha256} in ${root}: no space left on the disk`,
            { cause: error },
          );
        }
        throw error;
      }
      await syncDirectory(dirname(target));
    },
    get: (sha256, offset = 0, limitBytes = Number.POSITIVE_INFINITY) =>
      read(pathOf(sha256), sha256, offset, limitBytes),
  };
}

function notHeld(sha256: Sha256): AtollError {
  return new AtollError('NOT_FOUND', `cannot read blob ${sha256}: the store does not hold it`);
}

async function writeVerified(
  file: string,
  expected: { readonly sha256: Sha256; readonly sizeBytes: number },
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const handle = await open(file, 'wx');
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > expected.sizeBytes) break;
      hash.update(chunk);
      await handle.write(chunk);
    }
    const digest = hash.digest('hex');
    if (sizeBytes !== expected.sizeBytes || digest !== expected.sha256) {
      throw new AtollError(
        'DATA_LOSS',
        `cannot store ${expected.sha256}: the bytes sent are ${sizeBytes} with digest ${digest}, announced were ${expected.sizeBytes}`,
      );
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* read(file: string, sha256: Sha256, offset: number, limitBytes: number): AsyncGenerator<Uint8Array> {
  if (limitBytes <= 0) return;
  const whole = offset === 0 && limitBytes === Number.POSITIVE_INFINITY;
  const hash = createHash('sha256');
  const end = Number.isSafeInteger(offset + limitBytes) ? offset + limitBytes - 1 : Number.POSITIVE_INFINITY;
  try {
    for await (const chunk of createReadStream(file, { start: offset, end, highWaterMark: 256 * 1024 })) {
      const bytes = chunk as Uint8Array;
      if (whole) hash.update(bytes);
      yield bytes;
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notHeld(sha256);
    throw new AtollError('INTERNAL', `cannot read blob ${sha256}: ${reasonOf(error)}`, { cause: error });
  }
  if (whole && hash.digest('hex') !== sha256) {
    throw new AtollError('DATA_LOSS', `cannot read blob ${sha256}: the bytes on disk no longer have this digest`);
  }
}
