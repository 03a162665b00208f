// The range of the logits: what a SOFTMAX reads. Its ends are rare, and every step of the range costs precision where classes
// are close: clipping an end that no decision depends on makes the steps finer and ties between classes fewer.
// Each candidate is judged by the whole way that a value takes: rounded to int8, softmax, rounded to 1/256.
import { activationParams, quantizeInt8 } from './params.js';
import type { Range } from './params.js';

/** Shares of each end of the measured range that are tried. */
const shares = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5] as const;

/** The range, at most `measured`, with the least mean error of the probabilities over the rows; the wider one when equal. */
export function bestLogitRange(rows: readonly Float32Array[], measured: Range): Range {
  const probabilities = rows.map((row) => softmax(row));
  let best = measured;
  let leastError = Number.POSITIVE_INFINITY;
  for (const top of shares) {
    for (const bottom of shares) {
      const range = { min: measured.min * bottom, max: measured.max * top };
      const error = meanError(rows, probabilities, range);
      if (error >= leastError) continue;
      leastError = error;
      best = range;
    }
  }
  return best;
}

function meanError(rows: readonly Float32Array[], probabilities: readonly Float32Array[], range: Range): number {
  const params = activationParams(range);
  const [scale = 1] = params.scale;
  const [zeroPoint = 0] = params.zeroPoint;
  let sum = 0;
  let count = 0;
  rows.forEach((row, index) => {
    const rounded = Float32Array.from(quantizeInt8(row, params), (q) => scale * (q - zeroPoint));
    const expected = probabilities[index] ?? new Float32Array();
    softmax(rounded).forEach((value, at) => {
      sum += Math.abs(Math.min(255, Math.round(256 * value)) / 256 - (expected[at] ?? 0));
    });
    count += row.length;
  });
  return sum / count;
}

/** exp(x) / sum of exp(x), shifted by the greatest value against overflow. */
export function softmax(row: Float32Array): Float32Array {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
