import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TensorSpec } from '@atoll/runtime/model';
import { predictionLine, realValues, topClasses } from './scores.js';

const spec = (dtype: TensorSpec['dtype'], scale: number | null, zeroPoint: number | null): TensorSpec => ({
  name: 'scores',
  dtype,
  shape: [1, 3],
  scale,
  zeroPoint,
});

test('realValues takes quantized elements by scale and zero point, and floats as they are', () => {
  assert.deepEqual([...realValues(Uint8Array.of(0, 128, 255), spec('uint8', 0.5, 128))], [-64, 0, 63.5]);
  assert.deepEqual([...realValues(Uint8Array.of(128, 0, 127), spec('int8', 0.5, 0))], [-64, 0, 63.5]);
  const floats = new Uint8Array(13).subarray(1);
  floats.set(new Uint8Array(Float32Array.of(0.25, 0.5, 1).buffer));
  assert.deepEqual([...realValues(floats, spec('float32', null, null))], [0.25, 0.5, 1]);
  assert.throws(() => realValues(new Uint8Array(12), spec('int32', null, null)), /its type is int32/);
});

test('topClasses puts the best first, equal scores in label order, and names the nameless by index', () => {
  const best = topClasses(Float32Array.of(0.25, 0.5, 0.5), ['a', 'b'], 2);
  assert.deepEqual(
    best.map(({ label, index }) => [label, index]),
    [
      ['b', 1],
      ['2', 2],
    ],
  );
});

test('predictionLine is the line that scripts read', () => {
  assert.equal(
    predictionLine('1.png', { label: 'deer', index: 3, score: 0.9712 }),
    'File: 1.png  Prediction: deer  0.97',
  );
});
