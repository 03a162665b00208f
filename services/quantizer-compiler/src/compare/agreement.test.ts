import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agreement, topIndex } from './agreement.js';
import { realsOf } from '../run/run-model.js';

describe('Agreement', () => {
  it('counts agreement and right answers apart, and errors over all values', () => {
    const agreement = new Agreement();
    agreement.addPhoto();
    agreement.addRow(Float32Array.of(0.5, 0.25), Float32Array.of(0.5, 0.25), 0);
    agreement.addPhoto();
    agreement.addRow(Float32Array.of(0.5, 0.25), Float32Array.of(0.25, 0.5), 1);
    assert.deepEqual(agreement.figures(), {
      images: 2,
      floatTop1: 0.5,
      int8Top1: 1,
      agreement: 0.5,
      meanAbsError: 0.125,
      maxAbsError: 0.25,
    });
  });

  it('knows no accuracy without labels', () => {
    const agreement = new Agreement();
    agreement.addPhoto();
    agreement.addRow(Float32Array.of(1), Float32Array.of(1), null);
    assert.deepEqual([agreement.figures().floatTop1, agreement.figures().agreement], [null, 1]);
  });
});

it('topIndex takes the lowest index of several', () => {
  assert.equal(topIndex(Float32Array.of(0.1, 0.4, 0.4)), 1);
});

it('realsOf reads signed and unsigned bytes', () => {
  const bytes = Uint8Array.of(0, 127, 128, 255);
  assert.deepEqual([...realsOf(bytes, { dtype: 'uint8', scale: 0.5, zeroPoint: 128 })], [-64, -0.5, 0, 63.5]);
  assert.deepEqual([...realsOf(bytes, { dtype: 'int8', scale: 0.5, zeroPoint: 0 })], [0, 63.5, -64, -0.5]);
});
