import { availableParallelism } from 'node:os';
import { readFile } from 'node:fs/promises';
import { AtollError, isAtollError } from '@atoll/base/error';
import { decodeImage, maxEncodedBytes } from '@atoll/image/decode';
import type { Photo, SkippedPhoto } from './photo.js';
import type { PixelCache } from './pixel-cache.js';

/** How pixels come from files, for the data version. */
export function preprocessingWords(imageSize: number): string {
  return `sRGB uint8, ${imageSize} x ${imageSize}, linear with antialiasing, fill, alpha on black, no EXIF turn; x / 255`;
}

/** A photo whose pixels lie in a slot of the cache. */
export type Decoded<P extends Photo> = P & { readonly slot: number };

/** What decoding left. */
export interface DecodedPhotos<P extends Photo> {
  readonly kept: readonly Decoded<P>[];
  readonly skipped: readonly SkippedPhoto[];
}

/**
 * Decodes photos into the slots from `firstSlot` on, a few at a time. A damaged photo is skipped with its reason; a photo that is
 * too large ends the work with INVALID_ARGUMENT, for nobody has such a photo in a training set by intent.
 */
export async function decodePhotos<P extends Photo>(
  photos: readonly P[],
  fileOf: (photo: P) => string,
  cache: PixelCache,
  firstSlot: number,
  imageSize: number,
  signal: AbortSignal,
): Promise<DecodedPhotos<P>> {
  const outcomes: (string | null)[] = photos.map(() => null);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < photos.length; i = next++) {
      const photo = photos[i] as P;
      const pixels = await decode(photo, fileOf(photo), imageSize, signal);
      if (typeof pixels === 'string') outcomes[i] = pixels;
      else await cache.write(firstSlot + i, pixels);
    }
  };
  // Twice the cores: while one photo of a core is read, another is decoded.
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  return {
    kept: photos.map((photo, i) => ({ ...photo, slot: firstSlot + i })).filter((_, i) => outcomes[i] === null),
    skipped: photos.flatMap(({ path }, i) => {
      const reason = outcomes[i] ?? null;
      return reason === null ? [] : [{ path, reason }];
    }),
  };
}

/** The pixels, or why the photo is skipped. */
async function decode(
  photo: Photo,
  file: string,
  imageSize: number,
  signal: AbortSignal,
): Promise<Uint8Array | string> {
  if (photo.sizeBytes > maxEncodedBytes) throw tooLarge(photo, `it has ${photo.sizeBytes.toLocaleString('en')} bytes`);
  const encoded = await readFile(file);
  try {
    return await decodeImage(encoded, { width: imageSize, height: imageSize, channels: 3 }, signal);
  } catch (error) {
    if (!isAtollError(error, 'INVALID_ARGUMENT')) throw error;
    if (error.detail['limit'] !== undefined) throw tooLarge(photo, error.message);
    return error.message;
  }
}

function tooLarge(photo: Photo, reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot train on ${photo.path}: ${reason}`);
}
