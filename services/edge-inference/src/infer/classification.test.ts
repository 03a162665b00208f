import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TensorSpec } from '@atoll/runtime/model';
import { classification } from './classification.js';

const spec = (dtype: TensorSpec['dtype'], size: number): TensorSpec => ({
  name: 'scores',
  dtype,
  shape: [1, size],
  scale: null,
  zeroPoint: null,
});

test('classification() gives the greatest elements first, equal ones by index, labelled when every element has a label', () => {
  const scores = Uint8Array.of(3, 200, 9, 200);
  const labels = ['ant', 'bee', 'cat', 'dog'];
  assert.deepEqual(classification(scores, spec('uint8', 4), 3, labels).texts, ['200:1:bee', '200:3:dog', '9:2:cat']);
  assert.deepEqual(classification(scores, spec('uint8', 4), 9, []).texts, ['200:1', '200:3', '9:2', '3:0']);
  assert.deepEqual(classification(scores, spec('uint8', 4), 1, ['ant']).texts, ['200:1']);
});

test('classification() writes signed and float elements as they are, and each text behind its length', () => {
  assert.deepEqual(classification(new Uint8Array(Int8Array.of(-5, -128, 7).buffer), spec('int8', 3), 2, []).texts, [
    '7:2',
    '-5:0',
  ]);
  const floats = new Uint8Array(Float32Array.of(0.25, 0.5).buffer);
  const { texts, bytes } = classification(floats, spec('float32', 2), 1, ['a', 'ä']);
  assert.deepEqual(texts, ['0.500000:1:ä']);
  assert.deepEqual([...bytes], [13, 0, 0, 0, ...Buffer.from('0.500000:1:ä')]);
});
