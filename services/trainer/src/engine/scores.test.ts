import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argMax, probabilities, sparseCrossEntropy } from './scores.js';

test('probabilities() is softmax, also of large logits', () => {
  const [a = 0, b = 0, c = 0, d = 0] = probabilities(Float32Array.of(0, Math.log(3), 1_000, 999), 2);
  assert.ok(Math.abs(a - 0.25) < 1e-7 && Math.abs(b - 0.75) < 1e-7);
  assert.ok(Math.abs(c - 1 / (1 + Math.exp(-1))) < 1e-7 && Math.abs(c + d - 1) < 1e-7);
});

test('sparseCrossEntropy() is the mean of -log p and counts what is right', () => {
  const { loss, correct } = sparseCrossEntropy(Float32Array.of(0, Math.log(3), 0, Math.log(3)), Int32Array.of(1, 0), 2);
  assert.ok(Math.abs(loss - (-Math.log(0.75) - Math.log(0.25)) / 2) < 1e-7);
  assert.equal(correct, 1);
});

test('argMax() takes the lowest index on ties', () => {
  assert.equal(argMax([1, 3, 3, 2]), 1);
});
