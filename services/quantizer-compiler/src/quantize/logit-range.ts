// The range of the logits: what a SOFTMAX reads. Its ends are rare, and every step of the range costs precision where classes
// are close: there two logits round to the same step, and the winner is lost. Clipping an end makes steps finer and ties fewer,
// and distorts the probabilities of photos that reach beyond it. So: the finest step whose probabilities are, over the
// representative photos, no worse than those of the whole measured range.
// A candidate is judged by the whole way that a value takes: rounded to int8, softmax, rounded to 1/256.
import { activationParams, quantizeInt8 } from './params.js';
import type { Range } from './params.js';

/** Shares of each end of the measured range that are tried. */
const shares = Array.from({ length: 17 }, (_, index) => 1 - index / 20);

/** The narrowest range within `measured` whose mean error of the probabilities over the rows is at most that of `measured`. */
export function bestLogitRange(rows: readonly Float32Array[], measured: Range): Range {
  const probabilities = rows.map((row) => softmax(row));
  const allowedError = meanError(rows, probabilities, measured);
  const candidates = shares
    .flatMap((top) => shares.map((bottom) => ({ min: measured.min * bottom, max: measured.max * top })))
    .toSorted((a, b) => a.max - a.min - (b.max - b.min));
  return candidates.find((range) => meanError(rows, probabilities, range) <= allowedError) ?? measured;
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
