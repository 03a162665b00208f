import type { StepResult } from './engine.js';

/** Softmax of each row of `logits` (rows x classes), computed in double precision. */
export function probabilities(logits: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const sum = logSumExp(row);
    for (let i = 0; i < classes; i++) out[start + i] = Math.exp((row[i] as number) - sum);
  }
  return out;
}

/** Mean of -log softmax(logits)[label], and how many rows have their largest value at their label (lowest index on ties). */
export function sparseCrossEntropy(logits: Float32Array, labels: Int32Array, classes: number): StepResult {
  let loss = 0;
  let correct = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const label = labels[i] as number;
    loss += logSumExp(row) - (row[label] as number);
    if (argMax(row) === label) correct++;
  }
  return { loss: loss / labels.length, correct };
}

/** The index of the largest value; the lowest on ties. */
export function argMax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if ((row[i] as number) > (row[best] as number)) best = i;
  return best;
}

function logSumExp(row: Float32Array): number {
  const max = row[argMax(row)] as number;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - max);
  return max + Math.log(sum);
}
