import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

/** How a picture is brought to size: the resampling kernel, and whether it is squashed, cropped or padded with black. */
export type ResizeKernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** `fill` squashes to the size, `cover` crops the middle, `contain` pads with black. */
export type ResizeFit = 'fill' | 'cover' | 'contain';

/** The picture wanted: width and height in pixels; kernel `linear` with antialiasing, fit `fill` and no EXIF turn unless told. */
export interface ImageTarget {
  readonly width: number;
  readonly height: number;
  /** 3 for RGB, 1 for grey: luma by the weights of ITU-R BT.601, as libjpeg, PIL and TensorFlow have it. */
  readonly channels: 1 | 3;
  readonly kernel?: ResizeKernel;
  readonly fit?: ResizeFit;
  /** Turn by the EXIF orientation first; most training pipelines do not. */
  readonly autoOrient?: boolean;
}

/** Pictures with more pixels than this are refused before they are decoded. */
export const maxPixels = 100_000_000;

/** Encoded pictures larger than this are refused before they are read. */
export const maxEncodedBytes = 32 * 1024 * 1024;

// Both are libvips' own process-wide settings: pictures are decoded side by side already, and one is never asked for twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes an encoded picture (its bytes, or a file's path) to uint8, height x width x channels, row-major.
 * Alpha is flattened on black; of an animation the first frame counts. INVALID_ARGUMENT names the picture and the reason:
 * not a picture, damaged, more than `maxPixels` pixels or more than `maxEncodedBytes` bytes. The last two carry detail `limit`.
 */
export async function decodeImage(
  source: Uint8Array | string,
  target: ImageTarget,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const name = typeof source === 'string' ? source : `a picture of ${source.byteLength} bytes`;
  const encoded = typeof source === 'string' ? await readCapped(source) : source;
  if (encoded.byteLength === 0) throw refuse(name, 'it is empty');
  if (encoded.byteLength > maxEncodedBytes)
    throw refuse(name, tooManyBytes(encoded.byteLength), undefined, { limit: 'bytes' });
  signal?.throwIfAborted();
  const { data, info } = await decode(encoded, name, target);
  signal?.throwIfAborted();
  if (info.channels !== 3 || data.byteLength !== target.width * target.height * 3) {
    throw refuse(name, `it decodes to ${info.width} x ${info.height} x ${info.channels}`);
  }
  return target.channels === 3 ? data : luma(data);
}

/** Y = 0.299 R + 0.587 G + 0.114 B, rounded. */
function luma(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let at = 0; at < grey.length; at++) {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(3 * at, 3 * at + 3);
    grey[at] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return grey;
}

async function decode(encoded: Uint8Array, name: string, target: ImageTarget) {
  try {
    return await sharp(encoded, {
      limitInputPixels: maxPixels,
      failOn: 'error',
      autoOrient: target.autoOrient ?? false,
    })
      .resize(target.width, target.height, {
        kernel: target.kernel ?? 'linear',
        fit: target.fit ?? 'fill',
        fastShrinkOnLoad: false,
        background: '#000',
      })
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (error) {
    const reason = reasonOf(error).split('\n')[0] ?? '';
    if (/pixel limit/i.test(reason)) throw refuse(name, await tooManyPixels(encoded), error, { limit: 'pixels' });
    throw refuse(name, reason, error);
  }
}

/** Only the header is read here, so the size of the picture does not matter. */
async function tooManyPixels(encoded: Uint8Array): Promise<string> {
  const { width, height } = await sharp(encoded, { limitInputPixels: false }).metadata();
  return `${width} x ${height} pixels are above the limit of ${maxPixels.toLocaleString('en')} pixels`;
}

async function readCapped(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxEncodedBytes) throw refuse(path, tooManyBytes(size), undefined, { limit: 'bytes' });
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof AtollError) throw error;
    const code = errnoOf(error) === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_ARGUMENT';
    throw new AtollError(code, `cannot read picture ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function tooManyBytes(sizeBytes: number): string {
  return `${sizeBytes.toLocaleString('en')} bytes are above the limit of ${maxEncodedBytes.toLocaleString('en')} bytes`;
}

function refuse(name: string, reason: string, cause?: unknown, detail: Record<string, string> = {}): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot decode ${name}: ${reason}`, { cause, detail });
}
