// What a tensor's values look like over many photos: least, greatest, mean and peak of each channel, and a histogram whose range
// doubles when a value falls outside. Memory does not grow with the number of photos.
import type { Range } from '../quantize/params.js';

const bins = 2048;
/**
 * Values of one run that enter the histogram and what is kept of channels; of larger tensors every k-th value, or position, does.
 * The range takes every value.
 */
const sampledValues = 1 << 16;

/** How often values fell into each of the equal bins of [-reach, reach). */
export interface Histogram {
  readonly reach: number;
  readonly counts: Float64Array;
}

/** Collects the values of one tensor. What is not finite is counted and left out. */
export class Observer {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  count = 0;
  notFinite = 0;
  readonly #counts = new Float64Array(bins);
  #reach = 1e-6;
  #runs = 0;
  readonly #halves = [
    { min: 0, max: 0 },
    { min: 0, max: 0 },
  ];
  /** Values that the sums of channels are made of. */
  #channelCount = 0;
  readonly #channelSums: Float64Array;
  readonly #channelPeaks: Float64Array;

  /** `channels` is the size of the tensor's last axis. */
  constructor(channels = 1) {
    this.#channelSums = new Float64Array(channels);
    this.#channelPeaks = new Float64Array(channels);
  }

  /** Adds the values of one run. */
  observe(values: Float32Array): void {
    if (!allFinite(values)) {
      const finite = values.filter(Number.isFinite);
      this.notFinite += values.length - finite.length;
      if (finite.length > 0) this.#observeFinite(finite);
      return;
    }
    this.#observeFinite(values);
  }

  #observeFinite(values: Float32Array): void {
    this.count += values.length;
    const [sums, peaks] = [this.#channelSums, this.#channelPeaks];
    const channels = sums.length;
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = 0; at < values.length; at++) {
      const value = values[at] as number;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    // An odd step does not fall in with the width of the tensor where that is even.
    const step = channels * (2 * Math.floor(values.length / sampledValues / 2) + 1);
    for (let start = 0; start < values.length; start += step) {
      const end = Math.min(channels, values.length - start);
      this.#channelCount += end;
      for (let channel = 0; channel < end; channel++) {
        const value = values[start + channel] as number;
        sums[channel] = (sums[channel] as number) + value;
        const size = value < 0 ? -value : value;
        if (size > (peaks[channel] as number)) peaks[channel] = size;
      }
    }
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    const half = this.#halves[this.#runs++ % 2];
    if (half !== undefined) [half.min, half.max] = [Math.min(half.min, min), Math.max(half.max, max)];
    while (Math.max(-min, max) >= this.#reach) this.#double();
    this.#sort(values);
  }

  #sort(values: Float32Array): void {
    const [counts, reach] = [this.#counts, this.#reach];
    const scale = bins / (2 * reach);
    // An odd step visits every channel where their number is a power of two, and most of them elsewhere.
    const step = 2 * Math.floor(values.length / sampledValues / 2) + 1;
    for (let at = 0; at < values.length; at += step) {
      const bin = ((values[at] as number) + reach) * scale;
      counts[bin | 0] = (counts[bin | 0] as number) + 1;
    }
  }

  /** Least and greatest value; an empty range at 0 when nothing was seen. */
  range(): Range {
    return this.count === 0 ? { min: 0, max: 0 } : { min: this.min, max: this.max };
  }

  /** The ranges, 0 included, of every other run and of those between. */
  halves(): readonly Range[] {
    return this.#halves;
  }

  /** How often values fell where, in bins that are there from the start. */
  histogram(): Histogram {
    return { reach: this.#reach, counts: this.#counts };
  }

  /** Mean of each channel over what was sampled; zeros before anything was. */
  channelMeans(): Float64Array {
    const perChannel = Math.max(1, this.#channelCount / this.#channelSums.length);
    return this.#channelSums.map((sum) => sum / perChannel);
  }

  /** Greatest absolute value of each channel. */
  channelPeaks(): Float64Array {
    return this.#channelPeaks.slice();
  }

  /** Two neighbouring bins become one, in the middle half. */
  #double(): void {
    const half = new Float64Array(bins);
    for (let bin = 0; bin < bins; bin++) {
      const into = bins / 4 + (bin >> 1);
      half[into] = (half[into] ?? 0) + (this.#counts[bin] ?? 0);
    }
    this.#counts.set(half);
    this.#reach *= 2;
  }
}

/** 0 * x is 0 for what is finite, and not a number for the rest. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += 0 * (values[at] as number);
  return sum === 0;
}
