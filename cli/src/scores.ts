import { AtollError } from '@atoll/base/error';
import type { TensorSpec } from '@atoll/runtime/model';

/** A class with its score. */
export interface Prediction {
  readonly label: string;
  readonly index: number;
  readonly score: number;
}

/** The real values of a tensor's bytes: scale * (q - zeroPoint), or the floats themselves. */
export function realValues(bytes: Uint8Array, spec: TensorSpec): Float32Array {
  const raw = elements(bytes, spec);
  const { scale, zeroPoint } = spec;
  if (scale === null || zeroPoint === null) return Float32Array.from(raw);
  return Float32Array.from(raw, (value) => scale * (value - zeroPoint));
}

/** The best classes, best first; equal scores in label order. A class without a name is called by its index. */
export function topClasses(scores: Float32Array, labels: readonly string[], top: number): readonly Prediction[] {
  return Array.from(scores, (score, index) => ({ label: labels[index] ?? String(index), index, score }))
    .toSorted((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}

/** The line that predict and infer print for a photo. */
export function predictionLine(file: string, best: Prediction | undefined, more = ''): string {
  return `File: ${file}  Prediction: ${best?.label ?? '?'}  ${(best?.score ?? 0).toFixed(2)}${more}`;
}

function elements(bytes: Uint8Array, spec: TensorSpec): Uint8Array | Int8Array | Float32Array {
  // A copy: the bytes need not lie at an address that floats may have.
  const { buffer } = new Uint8Array(bytes);
  if (spec.dtype === 'uint8') return new Uint8Array(buffer);
  if (spec.dtype === 'int8') return new Int8Array(buffer);
  if (spec.dtype === 'float32') return new Float32Array(buffer);
  throw new AtollError('FAILED_PRECONDITION', `cannot read scores from output ${spec.name}: its type is ${spec.dtype}`);
}
