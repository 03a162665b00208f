import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DType, TensorSpec } from '@atoll/runtime/model';
import { datatypeOf, type Elements, inputBytes, outputElements } from './tensors.js';

const spec = (dtype: DType, shape: readonly number[], name = 'x'): TensorSpec => ({
  name,
  dtype,
  shape,
  scale: null,
  zeroPoint: null,
});

const input = (dtype: DType, shape: readonly number[], elements: Elements) => ({
  name: 'x',
  datatype: datatypeOf(dtype),
  shape,
  elements,
});

test('inputBytes() gives elements of every type as bytes from which outputElements() makes the same elements', () => {
  const table: readonly (readonly [DType, Elements])[] = [
    ['uint8', [0, 128, 255]],
    ['int8', [-128, 0, 127]],
    ['int16', [-32_768, 1, 32_767]],
    ['int32', [-2_147_483_648, 1, 2_147_483_647]],
    ['int64', [-(2n ** 63n), 1n, 2n ** 63n - 1n]],
    ['float32', [-1.5, 0.25, Infinity]],
    ['float64', [Math.PI, -0, 1e300]],
    ['bool', [true, false, true]],
  ];
  for (const [dtype, elements] of table) {
    const [bytes = new Uint8Array()] = inputBytes([input(dtype, [1, 3], elements)], [spec(dtype, [1, 3])]);
    // Where a wider element cannot begin, as an answer of the runtime may be.
    const shifted = new Uint8Array(bytes.byteLength + 1);
    shifted.set(bytes, 1);
    assert.deepEqual(outputElements(shifted.subarray(1), spec(dtype, [1, 3])), elements, dtype);
  }
});

test('inputBytes() hands bytes on as they are, in the order of the model', () => {
  const [a, b] = [new Uint8Array([1, 2]), new Uint8Array([3])];
  const bytes = inputBytes(
    [
      { name: 'b', datatype: 'UINT8', shape: [1], bytes: b },
      { name: 'a', datatype: 'UINT8', shape: [2], bytes: a },
    ],
    [spec('uint8', [2], 'a'), spec('uint8', [1], 'b')],
  );
  assert.ok(bytes[0] === a && bytes[1] === b);
});

test('inputBytes() refuses what the model does not take: the name, what it takes and what was given', () => {
  const one = { name: 'x', datatype: 'INT8', shape: [2], bytes: new Uint8Array(2) };
  const table: readonly (readonly [unknown, string])[] = [
    [[], 'the model takes 1 inputs, not 0: x'],
    [[one, one], 'the model takes 1 inputs, not 2: x'],
    [[{ ...one, name: 'y' }], 'the model has no input y, it takes x'],
    [[{ ...one, name: '' }], 'the model has no input "", it takes x'],
    [[{ ...one, datatype: 'BYTES' }], 'input x is INT8, not BYTES'],
    [[{ ...one, shape: [1, 2] }], 'input x has shape [2], not [1, 2]'],
    [[{ ...one, bytes: new Uint8Array(3) }], 'input x takes 2 bytes, not 3'],
    [[input('int8', [2], [1])], 'input x takes 2 elements, not 1'],
    [[input('int8', [2], [1, 128])], 'element 1 of input x is 128, which is no INT8'],
    [[input('int8', [2], [0.5, 1])], 'element 0 of input x is 0.5, which is no INT8'],
    [[input('int8', [2], [true, 1])], 'element 0 of input x is true, which is no INT8'],
  ];
  for (const [inputs, why] of table) {
    assert.throws(() => inputBytes(inputs as Parameters<typeof inputBytes>[0], [spec('int8', [2])]), {
      code: 'INVALID_ARGUMENT',
      message: `cannot infer: ${why}`,
    });
  }
  const others: readonly (readonly [DType, Elements])[] = [
    ['int64', [2n ** 63n]],
    ['int64', [2 ** 60]],
    ['float32', [1n]],
    ['bool', [1]],
    ['float16', [1]],
  ];
  for (const [dtype, elements] of others) {
    assert.throws(() => inputBytes([input(dtype, [1], elements)], [spec(dtype, [1])]), { code: 'INVALID_ARGUMENT' });
  }
});
