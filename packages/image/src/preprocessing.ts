import { AtollError } from '@atoll/base/error';
import type { ImageTarget, ResizeFit, ResizeKernel } from './decode.js';

/*
 * What a model package declares about the way from a picture to its input tensor. It travels with the model and is swapped
 * with it, because a silent change of kernel or fit moves confidences by tenths. Per channel c and pixel p in 0..255:
 *   real = (p - mean[c]) / std[c]
 *   float32 input: real;   quantized input: round(real / scale) + zeroPoint, ties down, held to the range of its type.
 */

/** The declared way from a picture to an input tensor; `mean` and `std` are in pixel steps (0..255), one number a channel or one for all. */
export interface Preprocessing {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly kernel: ResizeKernel;
  readonly fit: ResizeFit;
  readonly autoOrient: boolean;
  readonly channelOrder: 'rgb' | 'bgr';
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The part of a tensor's description that preprocessing looks at; shape is batch, height, width, channels. */
export interface InputTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/**
 * The preprocessing of a model that declares none: the tensor's own size, squashed with kernel `linear`; an integer input gets
 * the pixels themselves (int8: minus 128), a float one pixels / 255. FAILED_PRECONDITION when the tensor is not an RGB picture.
 */
export function defaultPreprocessing(tensor: InputTensor): Preprocessing {
  const [batch, height, width, channels] = tensor.shape;
  if (tensor.shape.length !== 4 || batch !== 1 || channels !== 3 || height === undefined || width === undefined) {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot feed a picture to input ${tensor.name}: its shape [${tensor.shape.join(', ')}] is not [1, height, width, 3]`,
    );
  }
  const { mean, std } = identityScaling(tensor);
  return squashed(width, height, [mean], [std]);
}

/**
 * A picture squashed to width x height pixels with kernel `linear`, its RGB order kept and its orientation mark passed over:
 * what a model means that tells only its size and its scaling. `mean` and `std` are in pixel steps (0..255).
 */
export function squashed(
  width: number,
  height: number,
  mean: readonly number[],
  std: readonly number[],
): Preprocessing {
  const pixels = { kernel: 'linear', fit: 'fill', autoOrient: false, channelOrder: 'rgb' } as const;
  return { width, height, channels: 3, ...pixels, mean, std };
}

/** What decodeImage has to make for this preprocessing. */
export function imageTarget(preprocessing: Preprocessing): ImageTarget {
  const { width, height, channels, kernel, fit, autoOrient } = preprocessing;
  return { width, height, channels, kernel, fit, autoOrient };
}

/**
 * Turns RGB pixels (uint8, height x width x 3) into the bytes of the input tensor, float32 little-endian.
 * An integer tensor without a scale gets the pixels themselves (int8: minus 128).
 */
export function toTensorBytes(pixels: Uint8Array, preprocessing: Preprocessing, tensor: InputTensor): Uint8Array {
  const count = preprocessing.width * preprocessing.height * preprocessing.channels;
  if (pixels.byteLength !== count || tensor.shape.reduce((a, b) => a * b, 1) !== count) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot feed ${pixels.byteLength} pixel bytes to input ${tensor.name}: ` +
        `preprocessing makes ${count} values and the shape is [${tensor.shape.join(', ')}]`,
    );
  }
  const order = preprocessing.channelOrder === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  const tables = order.map((_, c) => channelTable(tensor, at(preprocessing.mean, c), at(preprocessing.std, c)));
  const out = tensor.dtype === 'float32' ? new Float32Array(count) : new Uint8Array(count);
  for (let c = 0; c < 3; c++) {
    const table = tables[c] ?? [];
    const from = order[c] ?? 0;
    for (let i = 0; i < count; i += 3) out[i + c] = table[pixels[i + from] ?? 0] ?? 0;
  }
  return new Uint8Array(out.buffer);
}

/** Mean and std under which `round(real / scale) + zeroPoint` gives back the pixel (int8: minus 128). */
function identityScaling(tensor: InputTensor): { mean: number; std: number } {
  if (tensor.scale === null || tensor.zeroPoint === null || tensor.dtype === 'float32') return { mean: 0, std: 255 };
  return { mean: tensor.zeroPoint + (tensor.dtype === 'int8' ? 128 : 0), std: 1 / tensor.scale };
}

/** The tensor value of each of the 256 pixel values; an int8 value as its two's complement byte. */
function channelTable(tensor: InputTensor, mean: number, std: number): ArrayLike<number> {
  const reals = Array.from({ length: 256 }, (_, p) => (p - mean) / std);
  switch (tensor.dtype) {
    case 'float32':
      return Float32Array.from(reals);
    case 'uint8':
      return Uint8ClampedArray.from(reals, (real, p) => quantized(real, p, tensor));
    case 'int8':
      return Uint8Array.from(reals, (real, p) => Math.min(127, Math.max(-128, quantized(real, p - 128, tensor))));
    default:
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot feed a picture to input ${tensor.name}: its type is ${tensor.dtype}`,
      );
  }
}

/**
 * Over -1..1 every pixel lies half a step between two values, give or take what float32 makes of the scale. Such ties go down:
 * there the uint8 value is the pixel itself, as the model was calibrated with; no other value is moved by more than this, in steps.
 */
const tieWidth = 1e-3;

function quantized(real: number, unscaled: number, tensor: InputTensor): number {
  if (tensor.scale === null || tensor.zeroPoint === null) return unscaled;
  return Math.ceil(real / tensor.scale - 0.5 - tieWidth) + tensor.zeroPoint;
}

function at(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel] ?? 0;
}
