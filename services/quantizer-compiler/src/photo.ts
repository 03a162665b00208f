import { AtollError, isAtollError } from '@atoll/base/error';
import type { PixelRange } from './quantize/params.js';
import { pixelNormalization } from './quantize/params.js';

/** Size of the pictures that a model takes. */
export interface PhotoSize {
  readonly width: number;
  readonly height: number;
  /** 3 for colour, 1 for grey. */
  readonly channels: 1 | 3;
}

/** A photo that can be decoded when its turn comes; `label` is the class folder that it lies in. */
export interface Photo {
  readonly path: string;
  readonly label: string | null;
  /** Pixels, height x width x channels; INVALID_ARGUMENT when it cannot be decoded. */
  pixels(size: PhotoSize, signal: AbortSignal): Promise<Uint8Array>;
}

/** Pixels as the float model wants them: float32 little-endian bytes of (pixel - mean) / std. */
export function floatInput(pixels: Uint8Array, range: PixelRange): Uint8Array {
  const { mean, std } = pixelNormalization(range);
  const table = Float32Array.from({ length: 256 }, (_, pixel) => (pixel - mean) / std);
  const reals = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) reals[at] = table[pixels[at] as number] as number;
  return new Uint8Array(reals.buffer);
}

/** Photos that are decoded ahead of the one in use. */
const decodedAhead = 4;

/** The photos that can be decoded, in order, a few decoded ahead; those that cannot are left out with one warning that counts and names them. */
export async function* readable(
  photos: readonly Photo[],
  size: PhotoSize,
  signal: AbortSignal,
  warnings: string[],
): AsyncGenerator<{ readonly photo: Photo; readonly pixels: Uint8Array }> {
  const skipped: string[] = [];
  const decoding = photos.slice(0, decodedAhead).map((photo) => decoded(photo, size, signal));
  for (const [index, photo] of photos.entries()) {
    const outcome = await decoding.shift();
    const next = photos[index + decodedAhead];
    if (next !== undefined) decoding.push(decoded(next, size, signal));
    if (outcome === undefined) return;
    if ('pixels' in outcome) {
      yield { photo, pixels: outcome.pixels };
      continue;
    }
    const { error } = outcome;
    if (!isAtollError(error, 'INVALID_ARGUMENT')) throw error;
    // Nobody has a picture beyond the decoder's limits among representative photos by intent.
    if (error.detail['limit'] !== undefined) throw tooLarge(photo, error);
    skipped.push(photo.path);
  }
  if (skipped.length > 0) {
    const named = skipped.slice(0, 5).join(', ') + (skipped.length > 5 ? ', …' : '');
    warnings.push(`${skipped.length} of ${photos.length} photos could not be decoded and were left out: ${named}`);
  }
}

/** A failure is kept until its photo's turn: photos ahead of a consumer that stopped must not fail on their own. */
async function decoded(
  photo: Photo,
  size: PhotoSize,
  signal: AbortSignal,
): Promise<{ readonly pixels: Uint8Array } | { readonly error: unknown }> {
  try {
    return { pixels: await photo.pixels(size, signal) };
  } catch (error) {
    return { error };
  }
}

/** The decoded photos as inputs of a model. */
export async function* pixelsOf(
  photos: readonly Photo[],
  size: PhotoSize,
  signal: AbortSignal,
  convert: (pixels: Uint8Array) => Uint8Array,
  warnings: string[],
): AsyncGenerator<Uint8Array> {
  for await (const { pixels } of readable(photos, size, signal, warnings)) yield convert(pixels);
}

function tooLarge(photo: Photo, cause: AtollError): AtollError {
  const why = cause.message.slice(cause.message.indexOf(': ') + 2);
  return new AtollError('INVALID_ARGUMENT', `cannot use photo ${photo.path}: ${why}`, { cause });
}
