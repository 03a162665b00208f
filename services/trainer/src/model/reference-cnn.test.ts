import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referenceCnn } from './reference-cnn.js';
import { outputShapes, parameterCount, parameterShapes } from './shapes.js';
import { initialWeights } from './weights.js';

test('referenceCnn() at 100 pixels and 6 classes has exactly 1,722,886 parameters', () => {
  assert.equal(parameterCount(referenceCnn(100, 6)), 1_722_886);
});

test('referenceCnn() has the shapes of valid 3 x 3 convolutions and pools of 2', () => {
  const network = referenceCnn(100, 6);
  assert.deepEqual(
    outputShapes(network).map((shape) => shape.join('x')),
    ['98x98x16', '49x49x16', '47x47x64', '23x23x64', '23x23x64', '21x21x128', '10x10x128', '12800', '128', '128', '6'],
  );
  assert.deepEqual(
    parameterShapes(network).map(({ layer, name, shape }) => `${layer}/${name} ${shape.join('x')}`),
    [
      'conv2d/kernel 3x3x3x16',
      'conv2d/bias 16',
      'conv2d_1/kernel 3x3x16x64',
      'conv2d_1/bias 64',
      'conv2d_2/kernel 3x3x64x128',
      'conv2d_2/bias 128',
      'dense/kernel 12800x128',
      'dense/bias 128',
      'dense_1/kernel 128x6',
      'dense_1/bias 6',
    ],
  );
});

test('referenceCnn() takes the smallest photo that leaves something and refuses one below', () => {
  assert.ok(outputShapes(referenceCnn(22, 2)).every((shape) => shape.every((length) => length >= 1)));
  assert.throws(() => referenceCnn(21, 2), /photos of 21 pixels: it needs at least 22$/);
});

test('initialWeights() fills kernels to their Glorot limit, biases with zero, by seed', () => {
  const network = referenceCnn(22, 6);
  const [a, b, c] = [initialWeights(network, 1), initialWeights(network, 1), initialWeights(network, 2)];
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
  const kernel = a.find(({ layer, name }) => layer === 'conv2d_2' && name === 'kernel');
  const limit = Math.sqrt(6 / (9 * (64 + 128)));
  const most = kernel?.values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) ?? 0;
  assert.ok(most <= limit && most > limit * 0.99, `${most} of ${limit}`);
  assert.ok(a.filter(({ name }) => name === 'bias').every(({ values }) => values.every((value) => value === 0)));
});
