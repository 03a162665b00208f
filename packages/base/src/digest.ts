import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { AtollError } from './error.js';

/** Lower-case hexadecimal SHA-256, 64 characters: the name of a blob everywhere in Atoll. */
export type Sha256 = string;

/** SHA-256 of bytes in memory. */
export function sha256(bytes: Uint8Array | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 of a file, streamed: memory does not grow with its size. */
export async function sha256File(path: string): Promise<Sha256> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Refuses (INVALID_ARGUMENT) what is not 64 lower-case hexadecimal digits: a digest becomes a file name, so it is checked at every border. */
export function parseSha256(text: string, what = 'digest'): Sha256 {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use ${what} ${JSON.stringify(text.slice(0, 80))}: it is not a SHA-256 in lower-case hexadecimal`,
    );
  }
  return text;
}
