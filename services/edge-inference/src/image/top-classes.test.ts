import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DType, TensorSpec } from '@atoll/runtime/model';
import { topClasses } from './top-classes.js';

const spec = (dtype: DType, scale: number | null, zeroPoint: number | null): TensorSpec => ({
  name: 'scores',
  dtype,
  shape: [1, 4],
  scale,
  zeroPoint,
});

describe('topClasses()', () => {
  test('dequantizes, ranks, and leaves equal scores in label order', () => {
    assert.deepEqual(topClasses(Uint8Array.of(10, 200, 30, 200), spec('uint8', 1 / 256, 0), ['a', 'b', 'c', 'd'], 3), [
      { label: 'b', index: 1, score: 200 / 256 },
      { label: 'd', index: 3, score: 200 / 256 },
      { label: 'c', index: 2, score: 30 / 256 },
    ]);
  });

  test('reads int8 as signed and a class without a label by its index', () => {
    const bytes = new Uint8Array(Int8Array.of(-128, 127, 0, -1).buffer);
    assert.deepEqual(topClasses(bytes, spec('int8', 1 / 256, -128), [], 2), [
      { label: '1', index: 1, score: 255 / 256 },
      { label: '2', index: 2, score: 128 / 256 },
    ]);
  });

  test('reads float32 at any offset', () => {
    const bytes = Buffer.concat([
      Buffer.alloc(1),
      Buffer.from(Float32Array.of(0.25, 0.5, 0.125, 0.125).buffer),
    ]).subarray(1);
    assert.deepEqual(topClasses(bytes, spec('float32', null, null), [], 1), [{ label: '1', index: 1, score: 0.5 }]);
  });

  test('refuses a type that is no score', () => {
    assert.throws(() => topClasses(new Uint8Array(32), spec('int64', null, null), [], 1), {
      code: 'FAILED_PRECONDITION',
    });
  });
});
