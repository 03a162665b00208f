// Ranges to quantization parameters: real = scale * (q - zeroPoint), int8 activations in [-128, 127].
// Source: quantization_utils.cc and FakeQuantSupport.cc of TFLite's converter; unlike there, a range is widened to hold 0, and to
// have a whole zero point.
import type { QuantParams } from '../graph/graph.js';

/** The values that a tensor took. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const qMin = -128;
const qMax = 127;
const steps = qMax - qMin;
/** Ranges narrower than this are widened to it: a smaller scale overflows what kernels compute with it. */
const leastRange = 1e-6;

/**
 * Asymmetric int8 parameters of an activation; the scale is a float32 value, the zero point represents 0 exactly. The range is
 * widened, by 1/254 at most, until its zero point is whole: rounding the zero point would shift what lies on a grid of as many
 * steps, such as pixels scaled to [-1, 1], by half a step, all values in the same direction.
 */
export function activationParams(range: Range): QuantParams {
  const middle = Math.max(0, leastRange - (range.max - range.min)) / 2;
  const min = Math.min(0, range.min - middle);
  const max = Math.max(0, range.max + middle);
  const exact = (steps * -min) / (max - min);
  const scaleWith = (stepsBelow: number): number =>
    Math.max(shareOf(-min, stepsBelow), shareOf(max, steps - stepsBelow));
  // A side that holds anything has a step at least.
  const less = Math.min(Math.floor(exact), max > 0 ? steps - 1 : steps);
  const more = Math.max(Math.ceil(exact), min < 0 ? 1 : 0);
  const stepsBelow = scaleWith(less) <= scaleWith(more) ? less : more;
  return { scale: [Math.fround(scaleWith(stepsBelow))], zeroPoint: [qMin + stepsBelow], dimension: 0 };
}

/** What one of the steps on a side must be for them to reach its end. */
function shareOf(reach: number, stepsThere: number): number {
  return reach === 0 ? 0 : reach / stepsThere;
}

/** Parameters that a specification fixes. */
export function fixedParams(scale: number, zeroPoint: number): QuantParams {
  return { scale: [Math.fround(scale)], zeroPoint: [zeroPoint], dimension: 0 };
}

/** To the nearest whole number, halves away from zero. */
export function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

/** Rounds reals to int8 under one scale, clipping at the ends; `zeroPoint` is 0 for weights. */
export function quantizeInt8(data: Float32Array, params: QuantParams): Int8Array {
  const [scale = 1] = params.scale;
  const [zeroPoint = 0] = params.zeroPoint;
  return Int8Array.from(data, (real) => Math.min(qMax, Math.max(qMin, roundHalfAway(real / scale) + zeroPoint)));
}

/** What a person sends as a photo: the reals that the 256 pixel values become at the input of the float model. */
export const pixelRanges = ['0..1', '-1..1', '0..255'] as const;

/** One of the pixel ranges. */
export type PixelRange = (typeof pixelRanges)[number];

/** real = (pixel - mean) / std for each pixel range. */
export function pixelNormalization(range: PixelRange): { readonly mean: number; readonly std: number } {
  switch (range) {
    case '0..1':
      return { mean: 0, std: 255 };
    case '-1..1':
      return { mean: 127.5, std: 127.5 };
    case '0..255':
      return { mean: 0, std: 1 };
  }
}

/**
 * Input parameters under which the uint8 value of a pixel is the pixel itself, as int8 (128 less): fixed from the range, not
 * measured. For -1..1 the zero point would be 127.5, so every pixel is half a count off.
 */
export function inputParams(range: PixelRange): QuantParams {
  const { mean, std } = pixelNormalization(range);
  return fixedParams(1 / std, Math.round(mean) - 128);
}
