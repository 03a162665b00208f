import type { LoadedModel, TensorSpec } from '@atoll/runtime/model';

/** The outputs of one run as reals, by output name: quantized ones are scale * (q - zeroPoint). */
export async function runAsReals(model: LoadedModel, input: Uint8Array): Promise<ReadonlyMap<string, Float32Array>> {
  const outputs = await model.run([input]);
  return new Map(model.outputs.map((spec, index) => [spec.name, realsOf(outputs[index] ?? new Uint8Array(), spec)]));
}

/** The bytes of a tensor as reals. */
export function realsOf(bytes: Uint8Array, spec: Pick<TensorSpec, 'dtype' | 'scale' | 'zeroPoint'>): Float32Array {
  const { scale, zeroPoint } = spec;
  const real = (q: number): number => (scale ?? 1) * (q - (zeroPoint ?? 0));
  if (spec.dtype === 'float32') return new Float32Array(Uint8Array.from(bytes).buffer);
  if (spec.dtype === 'uint8') return Float32Array.from(bytes, real);
  if (spec.dtype === 'int8') return Float32Array.from(bytes, (byte) => real((byte << 24) >> 24));
  throw new RangeError(`a tensor of type ${spec.dtype} has no real values here`);
}
