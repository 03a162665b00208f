import { createHash } from 'node:crypto';
import { AtollError } from '@atoll/base/error';

/** Chunk size of a release's files unless its maker says otherwise, in bytes. */
export const defaultChunkSizeBytes = 256 * 1024;

/** SHA-256 of each chunk, 32 raw bytes each, in order; the last chunk is the shorter one, no bytes are no chunks. */
export function chunkDigests(bytes: Uint8Array, chunkSizeBytes: number): Buffer[] {
  if (!Number.isInteger(chunkSizeBytes) || chunkSizeBytes < 1) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot cut into chunks of ${chunkSizeBytes} bytes: one byte is the least`,
    );
  }
  const digests: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += chunkSizeBytes) {
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(from, from + chunkSizeBytes))
        .digest(),
    );
  }
  return digests;
}

/** chunkDigests of a stream whose pieces are cut anyhow, with the whole's size and digest; memory holds one piece. */
export async function chunkDigestsOf(
  pieces: AsyncIterable<Uint8Array>,
  chunkSizeBytes: number,
): Promise<{ readonly chunkSha256: Buffer[]; readonly sha256: string; readonly sizeBytes: number }> {
  const whole = createHash('sha256');
  const chunkSha256: Buffer[] = [];
  let chunk = createHash('sha256');
  let filled = 0;
  let sizeBytes = 0;
  for await (const piece of pieces) {
    whole.update(piece);
    sizeBytes += piece.length;
    for (let from = 0; from < piece.length;) {
      const part = piece.subarray(from, from + chunkSizeBytes - filled);
      chunk.update(part);
      filled += part.length;
      from += part.length;
      if (filled < chunkSizeBytes) continue;
      chunkSha256.push(chunk.digest());
      chunk = createHash('sha256');
      filled = 0;
    }
  }
  if (filled > 0) chunkSha256.push(chunk.digest());
  return { chunkSha256, sha256: whole.digest('hex'), sizeBytes };
}
