// From what a tensor took to the range that its integers stand for. A narrower range has finer steps and clips more.
//   minmax      from the least to the greatest value, as TFLite's converter has it
//   percentile  without the outermost ten-thousandth of the values at either end
//   mse         the range whose mean squared error is least: a step^2 / 12 for each value inside, the distance to the end squared
//               for each outside. 0 has no error: every range represents it exactly.
import type { Histogram } from '../calibrate/observer.js';
import type { Range } from './params.js';

/** The ways to choose the range of one tensor. */
export const rangeMethods = ['minmax', 'percentile', 'mse'] as const;

/** One of the ways. */
export type RangeMethod = (typeof rangeMethods)[number];

/** Ends that must not be clipped: the 6 of a RELU6 carries a large part of all values. */
export interface KeptEnds {
  readonly min: boolean;
  readonly max: boolean;
}

const tail = 1e-4;
const shares = Array.from({ length: 36 }, (_, index) => 1 - index / 50);
const levels = 255;

/** The range of a tensor by a method; always within `measured`. */
export function chooseRange(method: RangeMethod, measured: Range, histogram: Histogram, kept: KeptEnds): Range {
  if (method === 'minmax') return measured;
  const chosen = method === 'mse' ? mseRange(measured, histogram) : percentileRange(measured, histogram);
  return { min: kept.min ? measured.min : chosen.min, max: kept.max ? measured.max : chosen.max };
}

function percentileRange(measured: Range, { reach, counts }: Histogram): Range {
  const width = (2 * reach) / counts.length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  let low = 0;
  for (let seen = 0; low < counts.length && seen + (counts[low] ?? 0) <= tail * total; low++) seen += counts[low] ?? 0;
  let high = counts.length - 1;
  for (let seen = 0; high > 0 && seen + (counts[high] ?? 0) <= tail * total; high--) seen += counts[high] ?? 0;
  const min = Math.max(measured.min, low * width - reach);
  const max = Math.min(measured.max, (high + 1) * width - reach);
  return min < max ? { min, max } : measured;
}

/** Both ends in turn, each over its shares, while the other stays. */
function mseRange(measured: Range, histogram: Histogram): Range {
  let best = measured;
  let least = squaredError(best, histogram);
  const tryRange = (range: Range): void => {
    const error = squaredError(range, histogram);
    if (error < least) [best, least] = [range, error];
  };
  for (let round = 0; round < 2; round++) {
    if (measured.max > 0) for (const share of shares) tryRange({ min: best.min, max: measured.max * share });
    if (measured.min < 0) for (const share of shares) tryRange({ min: measured.min * share, max: best.max });
  }
  return best;
}

function squaredError(range: Range, { reach, counts }: Histogram): number {
  const min = Math.min(0, range.min);
  const max = Math.max(0, range.max);
  const inside = ((max - min) / levels) ** 2 / 12;
  const width = (2 * reach) / counts.length;
  const zero = counts.length / 2;
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin] as number;
    if (count === 0 || bin === zero) continue;
    const middle = (bin + 0.5) * width - reach;
    const beyond = middle > max ? middle - max : middle < min ? min - middle : 0;
    sum += count * (beyond === 0 ? inside : beyond * beyond);
  }
  return sum;
}
