// How far the outputs of a candidate are from those of the float model. For what a softmax reads it is both: the probabilities,
// which users see, and the logits, which tell candidates apart where the probabilities of all photos are near 0 or 1.
import { softmax } from '../quantize/logit-range.js';

/** An output that candidates are judged by; `logits` where the model goes on with a softmax over the last axis. */
export interface JudgedOutput {
  readonly name: string;
  readonly channels: number;
  readonly logits: boolean;
}

/** Collects the errors over photos. */
export class OutputsError {
  readonly #outputs: readonly JudgedOutput[];
  readonly #sums: readonly Sums[];

  constructor(outputs: readonly JudgedOutput[]) {
    this.#outputs = outputs;
    this.#sums = outputs.map(() => ({ error: 0, size: 0, squaredError: 0, square: 0 }));
  }

  /** Adds one photo: the outputs of both models in order. */
  add(float: readonly Float32Array[], int8: readonly Float32Array[]): void {
    for (const [index, { channels, logits }] of this.#outputs.entries()) {
      const sums = this.#sums[index];
      const [expected, actual] = [float[index], int8[index]];
      if (sums === undefined || expected === undefined || actual === undefined) continue;
      for (let at = 0; at < expected.length; at++) {
        const value = expected[at] as number;
        const error = (actual[at] as number) - value;
        sums.squaredError += error * error;
        sums.square += value * value;
        if (!logits) {
          sums.error += Math.abs(error);
          sums.size += Math.abs(value);
        }
      }
      if (!logits) continue;
      for (let row = 0; row < expected.length; row += channels) {
        const wanted = softmax(expected.subarray(row, row + channels));
        softmax(actual.subarray(row, row + channels)).forEach((value, at) => {
          sums.error += Math.abs(value - (wanted[at] ?? 0));
        });
        sums.size++;
      }
    }
  }

  /** Mean over the outputs of the relative absolute and the relative root mean square error; 0 is a perfect candidate. */
  value(): number {
    return this.#mean(
      ({ error, size, squaredError, square }) => share(error, size) + Math.sqrt(share(squaredError, square)),
    );
  }

  /** The absolute part alone: what users see, to whom logits mean nothing. */
  seen(): number {
    return this.#mean(({ error, size }) => share(error, size));
  }

  #mean(of: (sums: Sums) => number): number {
    return this.#sums.reduce((total, sums) => total + of(sums), 0) / Math.max(1, this.#sums.length);
  }
}

interface Sums {
  error: number;
  size: number;
  squaredError: number;
  square: number;
}

function share(part: number, whole: number): number {
  return whole === 0 ? part : part / whole;
}
