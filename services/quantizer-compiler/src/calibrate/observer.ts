// What a tensor's values look like over many photos: least, greatest, and a histogram whose range doubles when a value falls
// outside. Memory does not grow with the number of photos.
import type { Range } from '../quantize/params.js';

const bins = 2048;

/** Collects the values of one tensor. What is not finite is counted and left out. */
export class Observer {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  count = 0;
  notFinite = 0;
  readonly histogram = new Float64Array(bins);
  /** The histogram covers [-reach, reach). */
  reach = 1e-6;
  readonly #channelSums: Float64Array;

  /** `channels` is the size of the tensor's last axis. */
  constructor(channels = 1) {
    this.#channelSums = new Float64Array(channels);
  }

  /** Adds the values of one run. */
  observe(values: Float32Array): void {
    const seen = extremes(values);
    this.notFinite += seen.notFinite;
    this.count += values.length - seen.notFinite;
    if (seen.notFinite === values.length) return;
    this.min = Math.min(this.min, seen.min);
    this.max = Math.max(this.max, seen.max);
    while (Math.max(-seen.min, seen.max) >= this.reach) this.#double();
    const scale = bins / (2 * this.reach);
    for (const value of values) {
      const bin = Math.floor((value + this.reach) * scale);
      if (bin >= 0 && bin < bins) this.histogram[bin] = (this.histogram[bin] ?? 0) + 1;
    }
    const channels = this.#channelSums.length;
    for (let at = 0; at < values.length; at++) {
      this.#channelSums[at % channels] = (this.#channelSums[at % channels] ?? 0) + (values[at] ?? 0);
    }
  }

  /** Least and greatest value; an empty range at 0 when nothing was seen. */
  range(): Range {
    return this.count === 0 ? { min: 0, max: 0 } : { min: this.min, max: this.max };
  }

  /** Mean of each channel over all that was seen; zeros before anything was. */
  channelMeans(): Float64Array {
    const perChannel = Math.max(1, this.count / this.#channelSums.length);
    return this.#channelSums.map((sum) => sum / perChannel);
  }

  /** Two neighbouring bins become one, in the middle half. */
  #double(): void {
    const half = new Float64Array(bins);
    for (let bin = 0; bin < bins; bin++) {
      const into = bins / 4 + (bin >> 1);
      half[into] = (half[into] ?? 0) + (this.histogram[bin] ?? 0);
    }
    this.histogram.set(half);
    this.reach *= 2;
  }
}

function extremes(values: Float32Array): { min: number; max: number; notFinite: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let notFinite = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      notFinite++;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max, notFinite };
}
