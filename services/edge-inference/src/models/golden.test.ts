import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goldenMismatch, tensorMismatch } from './golden.js';

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const signed = (...values: number[]): Uint8Array => new Uint8Array(Int8Array.from(values).buffer);

describe('goldenMismatch()', () => {
  const table: readonly (readonly [string, Uint8Array, Uint8Array, string, number, RegExp | undefined])[] = [
    ['equal bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2), 'uint8', 0, undefined],
    ['within the tolerance', Uint8Array.of(1, 4), Uint8Array.of(2, 2), 'uint8', 2, undefined],
    ['beyond it', Uint8Array.of(1, 5), Uint8Array.of(2, 2), 'uint8', 2, /^1 of 2 .* element 1: 5 instead of 2$/],
    ['signed bytes that differ around zero', signed(-1, 1), signed(1, -1), 'int8', 2, undefined],
    ['signed bytes beyond', signed(-100), signed(100), 'int8', 100, /-100 instead of 100/],
    ['floats within', floats(0.5), floats(0.5001), 'float32', 0.001, undefined],
    ['floats beyond', floats(0.5, 0.5), floats(0.5, 0.6), 'float32', 0.001, /^1 of 2/],
    ['a NaN', floats(NaN), floats(0), 'float32', 1e9, /NaN instead of 0/],
    ['another length', Uint8Array.of(1), Uint8Array.of(1, 2), 'uint8', 255, /1 bytes, not 2/],
  ];
  for (const [name, output, expected, dtype, tolerance, words] of table) {
    test(name, () => {
      const mismatch = goldenMismatch(output, Buffer.from(expected), dtype, tolerance);
      if (words === undefined) assert.equal(mismatch, undefined);
      else assert.match(mismatch ?? '', words);
    });
  }
});

describe('tensorMismatch()', () => {
  const tensor = { name: 'a', dtype: 'uint8', shape: [1, 2], scale: 0.1, zeroPoint: 3 };
  test('lets names differ and scales agree as float32', () => {
    assert.equal(tensorMismatch([tensor], [{ ...tensor, name: 'b', scale: Math.fround(0.1) }]), undefined);
    assert.equal(tensorMismatch([], [tensor]), undefined);
  });
  for (const change of [{ dtype: 'int8' }, { shape: [2, 1] }, { scale: 0.2 }, { zeroPoint: 4 }, { scale: null }]) {
    test(`tells ${JSON.stringify(change)} apart`, () => {
      assert.match(tensorMismatch([tensor], [{ ...tensor, ...change }]) ?? '', /the package promises uint8 \[1, 2\]/);
    });
  }
});
