/*
 * How far the answer of a shadow is from the one that was given. Two classifiers agree when they name the same class, the
 * lowest index among equal scores; anything else agrees when its outputs are within a bound. The mean absolute error is in real
 * units, scale * (q - zero point), so that it says the same of versions that are quantized otherwise.
 */

/** What the comparison needs to know of an output. */
export interface ComparedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** One pair of answers. */
export interface Comparison {
  readonly agrees: boolean;
  readonly meanAbsError: number;
}

/**
 * Compares two runs on the same inputs, outputs in order. `maxMeanAbsError` (0 = no bound) is for models that are no
 * classifiers: those of another number of outputs than one, or whose output has more than one axis longer than 1.
 */
export function compareOutputs(
  given: readonly Uint8Array[],
  shadow: readonly Uint8Array[],
  specs: { readonly given: readonly ComparedTensor[]; readonly shadow: readonly ComparedTensor[] },
  maxMeanAbsError: number,
): Comparison {
  let sum = 0;
  let count = 0;
  let sameTop = true;
  for (const [i, spec] of specs.given.entries()) {
    const other = specs.shadow[i];
    const [a, b] = [given[i], shadow[i]];
    if (other === undefined || a === undefined || b === undefined) return { agrees: false, meanAbsError: NaN };
    const [x, y] = [realValues(a, spec), realValues(b, other)];
    if (x.length !== y.length) return { agrees: false, meanAbsError: NaN };
    for (let k = 0; k < x.length; k++) sum += Math.abs((x[k] ?? NaN) - (y[k] ?? NaN));
    count += x.length;
    sameTop &&= topOf(x) === topOf(y);
  }
  const meanAbsError = count === 0 ? 0 : sum / count;
  // Not "greater than": a NaN agrees with nothing.
  const within = maxMeanAbsError === 0 || meanAbsError <= maxMeanAbsError;
  return { agrees: isClassifier(specs.given) ? sameTop : within && !Number.isNaN(meanAbsError), meanAbsError };
}

function isClassifier(outputs: readonly ComparedTensor[]): boolean {
  const [only] = outputs;
  return outputs.length === 1 && only !== undefined && only.shape.filter((size) => size > 1).length === 1;
}

function topOf(values: Float64Array): number {
  let top = -1;
  for (const [i, value] of values.entries()) if (top < 0 || value > (values[top] ?? NaN)) top = i;
  return top;
}

function realValues(bytes: Uint8Array, { dtype, scale, zeroPoint }: ComparedTensor): Float64Array {
  const values = Float64Array.from(elements(bytes, dtype));
  if (scale === null) return values;
  return values.map((q) => scale * (q - (zeroPoint ?? 0)));
}

function elements(bytes: Uint8Array, dtype: string): ArrayLike<number> {
  if (dtype === 'uint8' || dtype === 'bool') return bytes;
  if (dtype === 'int8') return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A copy, because a view may begin at any byte.
  const aligned = new Uint8Array(bytes).buffer;
  if (dtype === 'float32') return new Float32Array(aligned);
  if (dtype === 'float64') return new Float64Array(aligned);
  if (dtype === 'int32') return new Int32Array(aligned);
  if (dtype === 'int16') return new Int16Array(aligned);
  return bytes;
}
