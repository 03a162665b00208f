import type { LoadedModel, TensorSpec } from '@atoll/runtime/model';

/** Uses a model and closes it. It takes the opening, not the bytes: they are not kept for as long as the model runs. */
export async function withModel<T>(opening: Promise<LoadedModel>, use: (model: LoadedModel) => Promise<T>): Promise<T> {
  const model = await opening;
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

/** The outputs of one run as reals, by output name: quantized ones are scale * (q - zeroPoint). */
export async function runAsReals(model: LoadedModel, input: Uint8Array): Promise<ReadonlyMap<string, Float32Array>> {
  const outputs = await model.run([input]);
  return new Map(model.outputs.map((spec, index) => [spec.name, realsOf(outputs[index] ?? new Uint8Array(), spec)]));
}

/** The bytes of a tensor as reals; of float32 it is a view of the bytes where they are aligned. */
export function realsOf(bytes: Uint8Array, spec: Pick<TensorSpec, 'dtype' | 'scale' | 'zeroPoint'>): Float32Array {
  const { dtype, scale, zeroPoint } = spec;
  if (dtype === 'int32') return Float32Array.from(new Int32Array(Uint8Array.from(bytes).buffer));
  if (dtype === 'float32') {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
  }
  if (dtype !== 'uint8' && dtype !== 'int8') throw new RangeError(`a tensor of type ${dtype} has no real values here`);
  const table = new Float32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const q = dtype === 'uint8' ? byte : (byte << 24) >> 24;
    table[byte] = (scale ?? 1) * (q - (zeroPoint ?? 0));
  }
  const reals = new Float32Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) reals[at] = table[bytes[at] as number] as number;
  return reals;
}
