import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ComparedTensor } from './comparison.js';
import { compareOutputs } from './comparison.js';

const scores: ComparedTensor = { dtype: 'uint8', shape: [1, 4], scale: 1 / 256, zeroPoint: 0 };
const signed: ComparedTensor = { dtype: 'int8', shape: [1, 4], scale: 1 / 256, zeroPoint: -128 };
const floats: ComparedTensor = { dtype: 'float32', shape: [1, 4], scale: null, zeroPoint: null };
const map: ComparedTensor = { dtype: 'uint8', shape: [2, 2], scale: 0.5, zeroPoint: 0 };

const float = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const int8 = (...values: number[]): Uint8Array => new Uint8Array(Int8Array.from(values).buffer);
const close = (is: number, wanted: number): void => assert.ok(Math.abs(is - wanted) < 1e-9, `${is}, not ${wanted}`);

describe('compareOutputs()', () => {
  test('classifiers agree on the class, whatever the scores; the error is in real units', () => {
    const { agrees, meanAbsError } = compareOutputs(
      [Uint8Array.of(10, 200, 40, 6)],
      [Uint8Array.of(30, 150, 70, 6)],
      { given: [scores], shadow: [scores] },
      0,
    );
    assert.equal(agrees, true);
    close(meanAbsError, (20 + 50 + 30) / 4 / 256);
  });

  test('classifiers that name other classes disagree, the lowest index wins among equals', () => {
    const run = (shadow: Uint8Array) =>
      compareOutputs([Uint8Array.of(9, 9, 1, 1)], [shadow], { given: [scores], shadow: [scores] }, 0).agrees;
    assert.deepEqual([run(Uint8Array.of(9, 9, 2, 2)), run(Uint8Array.of(8, 9, 1, 1))], [true, false]);
  });

  test('other quantizations and floats are compared by what they mean', () => {
    const given = [Uint8Array.of(0, 128, 64, 32)];
    const same = compareOutputs(given, [int8(-128, 0, -64, -96)], { given: [scores], shadow: [signed] }, 0);
    assert.deepEqual(same, { agrees: true, meanAbsError: 0 });
    const real = compareOutputs(given, [float(0, 0.5, 0.25, 0.125)], { given: [scores], shadow: [floats] }, 0);
    assert.deepEqual(real, { agrees: true, meanAbsError: 0 });
  });

  test('what is no classifier agrees within the bound, and always without one', () => {
    const run = (bound: number) =>
      compareOutputs([Uint8Array.of(1, 2, 3, 4)], [Uint8Array.of(3, 2, 3, 4)], { given: [map], shadow: [map] }, bound);
    assert.deepEqual([run(0.25).agrees, run(0.2).agrees, run(0).agrees], [true, false, true]);
    assert.equal(run(0).meanAbsError, 0.25);
  });

  test('NaN, another number of outputs and another size agree with nothing', () => {
    const nan = compareOutputs([float(1)], [float(NaN)], { given: [floats, floats], shadow: [floats] }, 0);
    assert.equal(nan.agrees, false);
    const pair = { given: [{ ...floats, shape: [2, 2] }], shadow: [{ ...floats, shape: [2, 2] }] };
    assert.equal(compareOutputs([float(1, 2, 3, 4)], [float(1, NaN, 3, 4)], pair, 0).agrees, false);
    assert.equal(compareOutputs([float(1, 2)], [float(1)], { given: [floats], shadow: [floats] }, 0).agrees, false);
  });
});
