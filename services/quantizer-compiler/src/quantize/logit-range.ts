// The range of the logits: what a SOFTMAX reads. Its ends are rare, and every step of the range costs precision where classes
// are close: there two logits round to the same step, and the winner is lost. Clipping an end makes steps finer and ties fewer,
// and distorts the probabilities of photos that reach beyond it. A candidate is judged by both, over representative photos:
//   the mean error of the probabilities, on the whole way of a value: rounded to int8, softmax, rounded to 1/256;
//   the share of photos whose two best classes fall into the same step, of the logits or of 1/256, wherever steps happen to begin.
import { activationParams, quantizeInt8 } from './params.js';
import type { Range } from './params.js';

/** Shares of each end of the measured range that are tried. */
const shares = Array.from({ length: 15 }, (_, index) => 1 - index / 20);
/** Rows that the candidates are judged on. */
const maxRows = 400;
/** What a photo with another winner costs, in the mean error of a photo with two classes in doubt. */
const tieCost = 0.12;

/** The range within `measured` that costs the least over the rows. */
export function bestLogitRange(rows: readonly Float32Array[], measured: Range): Range {
  const step = Math.max(1, Math.ceil(rows.length / maxRows));
  const some = rows.filter((_, index) => index % step === 0).map((row) => ({ row, probabilities: softmax(row) }));
  let best = measured;
  let least = cost(some, measured);
  for (const top of measured.max > 0 ? shares : [1]) {
    for (const bottom of measured.min < 0 ? shares : [1]) {
      const range = { min: measured.min * bottom, max: measured.max * top };
      const candidate = cost(some, range);
      if (candidate < least) [best, least] = [range, candidate];
    }
  }
  return best;
}

interface Judged {
  readonly row: Float32Array;
  readonly probabilities: Float32Array;
}

function cost(rows: readonly Judged[], range: Range): number {
  const params = activationParams(range);
  const [scale = 1] = params.scale;
  const [zeroPoint = 0] = params.zeroPoint;
  let sum = 0;
  for (const { row, probabilities } of rows) {
    const rounded = Float32Array.from(quantizeInt8(row, params), (q) => scale * (q - zeroPoint));
    let error = 0;
    softmax(rounded).forEach((value, at) => {
      error += Math.abs(Math.min(255, Math.round(256 * value)) / 256 - (probabilities[at] ?? 0));
    });
    sum += error + tieCost * chanceOfTie(row, probabilities, scale, range);
  }
  return sum;
}

/** That the two best of a row fall into one step, if where steps begin were chance; 1 where both are clipped. */
function chanceOfTie(row: Float32Array, probabilities: Float32Array, scale: number, range: Range): number {
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [most, next] = [0, 0];
  row.forEach((value, at) => {
    const probability = probabilities[at] ?? 0;
    if (value > first) [first, second, most, next] = [value, first, probability, most];
    else if (value > second) [second, next] = [value, probability];
  });
  const margin = Math.min(first, range.max) - Math.min(second, range.max);
  return Math.max(0, 1 - margin / scale, 1 - 256 * (most - next));
}

/** exp(x) / sum of exp(x), shifted by the greatest value against overflow. */
export function softmax(row: Float32Array): Float32Array {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = row.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
