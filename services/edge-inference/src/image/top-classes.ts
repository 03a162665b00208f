import { AtollError } from '@atoll/base/error';
import type { TensorSpec } from '@atoll/runtime/model';

/** A class with its score in real units. */
export interface ClassScore {
  readonly label: string;
  readonly index: number;
  readonly score: number;
}

/** The best `top` classes of an output tensor, best first, equal scores in label order; a class without a label is called by its index. */
export function topClasses(
  output: Uint8Array,
  spec: TensorSpec,
  labels: readonly string[],
  top: number,
): readonly ClassScore[] {
  const scores = realValues(output, spec);
  return Array.from(scores, (score, index) => ({ label: labels[index] ?? String(index), index, score }))
    .toSorted((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, top);
}

/** Dequantized: scale * (q - zeroPoint). */
function realValues(output: Uint8Array, spec: TensorSpec): number[] {
  const { scale, zeroPoint } = spec;
  const real = (q: number): number => (scale === null ? q : scale * (q - (zeroPoint ?? 0)));
  if (spec.dtype === 'uint8') return Array.from(output, real);
  if (spec.dtype === 'int8') {
    return Array.from(new Int8Array(output.buffer, output.byteOffset, output.byteLength), real);
  }
  if (spec.dtype === 'float32') return Array.from(new Float32Array(new Uint8Array(output).buffer));
  throw new AtollError('FAILED_PRECONDITION', `cannot rank classes: output ${spec.name} is ${spec.dtype}`);
}
