// How far each activation of the int8 model is from the float model's, over photos. Errors add up on the way through the model:
// what a tensor shows is the error of all before it.
import type { QuantParams } from '../graph/graph.js';

/** What was found of one tensor. */
export interface TensorError {
  /** 10 log10 of the power of the signal over the power of the error; 200 for no error at all. */
  readonly sqnrDb: number;
  /** Share of the float values beyond the range of the integers by more than half a step. */
  readonly clipped: number;
}

const noError = 200;

/** Collects the values of one tensor in both models. */
export class TensorErrors {
  #signal = 0;
  #error = 0;
  #clipped = 0;
  #count = 0;

  /** Adds one run. */
  add(float: Float32Array, int8: Float32Array, { scale: [scale = 1], zeroPoint: [zeroPoint = 0] }: QuantParams): void {
    const least = scale * (-128.5 - zeroPoint);
    const most = scale * (127.5 - zeroPoint);
    let [signal, error, clipped] = [0, 0, 0];
    for (let at = 0; at < float.length; at++) {
      const value = float[at] as number;
      const difference = (int8[at] as number) - value;
      signal += value * value;
      error += difference * difference;
      if (value < least || value > most) clipped++;
    }
    this.#signal += signal;
    this.#error += error;
    this.#clipped += clipped;
    this.#count += float.length;
  }

  /** The figures so far. */
  result(): TensorError {
    const ratio = this.#error === 0 ? noError : 10 * Math.log10(this.#signal / this.#error);
    const sqnrDb = Math.max(-noError, Math.min(noError, ratio));
    return { sqnrDb: Number(sqnrDb.toFixed(2)), clipped: this.#clipped / Math.max(1, this.#count) };
  }
}
