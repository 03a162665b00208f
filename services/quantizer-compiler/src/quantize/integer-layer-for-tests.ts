// What an int8 kernel computes, in whole numbers: the reference against which a runtime's layers are held. Source: TFLite's
// quantization_util.cc (QuantizeMultiplier) and common.cc (MultiplyByQuantizedMultiplier, the variant with one rounding).

/** multiplier * 2^(shift - 31), multiplier in [2^30, 2^31). */
export interface FixedPoint {
  readonly multiplier: bigint;
  readonly shift: number;
}

/** A positive real as a fixed-point multiplier. */
export function fixedPoint(real: number): FixedPoint {
  let shift = Math.floor(Math.log2(real)) + 1;
  let multiplier = BigInt(Math.round((real / 2 ** shift) * 2 ** 31));
  if (multiplier === 2n ** 31n) {
    multiplier = 2n ** 30n;
    shift++;
  }
  if (multiplier < 2n ** 30n) return fixedPointBelow(real, shift);
  return { multiplier, shift };
}

/** log2 may round up to a whole number. */
function fixedPointBelow(real: number, shift: number): FixedPoint {
  return { multiplier: BigInt(Math.round((real / 2 ** (shift - 1)) * 2 ** 31)), shift: shift - 1 };
}

/** accumulator * real, to the nearest whole number, halves up. */
export function requantized(accumulator: number, { multiplier, shift }: FixedPoint): number {
  const total = BigInt(31 - shift);
  return Number((BigInt(accumulator) * multiplier + (1n << (total - 1n))) >> total);
}

/** What a layer takes: int8 inputs, weights by output, int32 bias, and the scales. */
export interface IntegerLayer {
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly inputScale: number;
  readonly inputZero: number;
  readonly weightScales: readonly number[];
  readonly outputScale: number;
  readonly outputZero: number;
}

/** Output `channel` for the inputs under its weights (as many as the weights of one output), before any activation. */
export function integerOutput(layer: IntegerLayer, inputs: Int8Array, channel: number): number {
  const { weights, bias, inputScale, inputZero, weightScales, outputScale, outputZero } = layer;
  let sum = bias[channel] ?? 0;
  for (let at = 0; at < inputs.length; at++) {
    sum += ((inputs[at] ?? 0) - inputZero) * (weights[channel * inputs.length + at] ?? 0);
  }
  const weightScale = weightScales[weightScales.length === 1 ? 0 : channel] ?? 1;
  const q = requantized(sum, fixedPoint((inputScale * weightScale) / outputScale)) + outputZero;
  return Math.min(127, Math.max(-128, q));
}
