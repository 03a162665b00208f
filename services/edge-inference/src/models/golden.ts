import type { PackageTensor } from './model-package.js';

/**
 * How an output differs from the one that the package's maker saw, in words, or undefined when every element is within
 * `tolerance`: counts for integer tensors, real units for float32 ones. A NaN never matches.
 */
export function goldenMismatch(
  output: Uint8Array,
  expected: Uint8Array,
  dtype: string,
  tolerance: number,
): string | undefined {
  if (output.byteLength !== expected.byteLength) {
    return `the output has ${output.byteLength} bytes, not ${expected.byteLength}`;
  }
  const [got, wanted] = [elements(output, dtype), elements(expected, dtype)];
  let worst = 0;
  let worstAt = -1;
  let wrong = 0;
  for (let i = 0; i < wanted.length; i++) {
    const off = Math.abs((got[i] ?? NaN) - (wanted[i] ?? NaN));
    if (off <= tolerance) continue;
    wrong++;
    if (!(off <= worst)) {
      worst = off;
      worstAt = i;
    }
  }
  if (wrong === 0) return undefined;
  const [is, was] = [got[worstAt], wanted[worstAt]];
  return `${wrong} of ${wanted.length} output elements are off by more than ${tolerance}, the worst is element ${worstAt}: ${is} instead of ${was}`;
}

/** What differs between a tensor as the package promises it and as the model has it, or undefined. */
export function tensorMismatch(
  promised: readonly PackageTensor[],
  actual: readonly PackageTensor[],
): string | undefined {
  if (promised.length === 0) return undefined;
  if (promised.length !== actual.length)
    return `the model has ${actual.length} tensors, the package promises ${promised.length}`;
  for (const [i, want] of promised.entries()) {
    const have = actual[i];
    if (have === undefined || describe(want) !== describe(have)) {
      return `the model has ${have === undefined ? 'nothing' : describe(have)} where the package promises ${describe(want)}`;
    }
  }
  return undefined;
}

function describe({ dtype, shape, scale, zeroPoint }: PackageTensor): string {
  const quantization = scale === null ? '' : ` at scale ${Math.fround(scale)} zero point ${zeroPoint}`;
  return `${dtype} [${shape.join(', ')}]${quantization}`;
}

function elements(bytes: Uint8Array, dtype: string): ArrayLike<number> {
  if (dtype === 'uint8') return bytes;
  if (dtype === 'int8') return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const aligned = new Uint8Array(bytes).buffer;
  if (dtype === 'float32') return new Float32Array(aligned);
  if (dtype === 'int32') return new Int32Array(aligned);
  return bytes;
}
