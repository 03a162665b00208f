/*
 * Triton's classification of an output: instead of the tensor its greatest elements, each as the text `VALUE:INDEX` or, where the
 * model has a label for every element, `VALUE:INDEX:LABEL`. Elements are as the tensor holds them, quantized ones too; equal ones
 * stand in the order of their indices. The texts are a tensor of type BYTES: each is preceded by its length, uint32 little-endian.
 */
import type { TensorSpec } from '@atoll/runtime/model';
import { outputElements } from './tensors.js';

/** The texts, and the bytes of the tensor that they make. */
export interface Classification {
  readonly texts: readonly string[];
  readonly bytes: Uint8Array;
}

/** The `classes` greatest elements of an output, all when it has fewer. */
export function classification(
  output: Uint8Array,
  spec: TensorSpec,
  classes: number,
  labels: readonly string[],
): Classification {
  const elements = outputElements(output, spec).map((value, index) => ({ value: Number(value), index }));
  const labelled = labels.length === elements.length;
  const texts = elements
    .toSorted((a, b) => b.value - a.value || a.index - b.index)
    .slice(0, classes)
    .map(({ value, index }) => {
      const words = [valueText(value, spec), String(index), ...(labelled ? [labels[index] ?? ''] : [])];
      return words.join(':');
    });
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.byteLength);
    return [length, bytes];
  });
  return { texts, bytes: Buffer.concat(parts) };
}

/** Floats have six decimals, as in Triton. */
function valueText(value: number, { dtype }: TensorSpec): string {
  return dtype === 'float32' || dtype === 'float64' ? value.toFixed(6) : String(value);
}
