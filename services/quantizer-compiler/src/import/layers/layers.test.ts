import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itGives, sigmoid, square, x4 } from './layer-case-for-tests.js';
import type { LayerCase } from './layer-case-for-tests.js';
import { importLayer } from './layer-for-tests.js';
import type { TestWeights } from './layer-for-tests.js';

const line = [-4, -1, 0, 2, 8];
const rise = [1, 2, 3];

const statistics: TestWeights = { moving_mean: [[2], [1, 2]], moving_variance: [[2], [3, 8]] };
const bnWeights: TestWeights = { gamma: [[2], [4, 6]], beta: [[2], [1, -1]], ...statistics };

const scalings: readonly LayerCase[] = [
  ['BatchNormalization', { epsilon: 1 }, [[2]], [[5, 7]], bnWeights, '1,2', [9, 9]],
  [
    'BatchNormalization',
    { epsilon: 1, scale: false, center: false, axis: [3] },
    [[1, 1, 2]],
    [[5, 8]],
    statistics,
    '1,1,1,2',
    [2, 2],
  ],
  ['Rescaling', { scale: 0.5, offset: -1 }, [[2]], [[4, 10]], {}, '1,2', [1, 4]],
  ['Rescaling', { scale: [1, 0.5, 0.25] }, [[1, 1, 3]], [[4, 4, 4]], {}, '1,1,1,3', [4, 2, 1]],
  ['Normalization', { mean: [1, 2], variance: [4, 9] }, [[2]], [[5, 8]], {}, '1,2', [2, 2]],
  ['Normalization', { axis: [-1] }, [[2]], [[5, 8]], { mean: [[2], [1, 2]], variance: [[2], [4, 9]] }, '1,2', [2, 2]],
  ['Normalization', { mean: 1, variance: 4, invert: true }, [[2]], [[5, 8]], {}, '1,2', [11, 17]],
];

const pools: readonly LayerCase[] = [
  ['MaxPooling2D', { pool_size: [2, 2] }, [square], [x4], {}, '1,1,1,1', [4]],
  ['AveragePooling2D', { pool_size: 2, strides: 1, padding: 'same' }, [square], [x4], {}, '1,2,2,1', [2.5, 3, 3.5, 4]],
  ['MaxPooling1D', { pool_size: [2], strides: [1] }, [[3, 1]], [[1, 5, 2]], {}, '1,2,1', [5, 5]],
  ['AveragePooling1D', { pool_size: 2, strides: 1 }, [[3, 1]], [[1, 5, 2]], {}, '1,2,1', [3, 3.5]],
  ['GlobalAveragePooling2D', {}, [square], [x4], {}, '1,1', [2.5]],
  ['GlobalAveragePooling2D', { keepdims: true }, [square], [x4], {}, '1,1,1,1', [2.5]],
  ['GlobalMaxPooling2D', {}, [[1, 2, 2]], [[1, 9, 8, 2]], {}, '1,2', [8, 9]],
  ['GlobalMaxPooling2D', { keepdims: true }, [square], [x4], {}, '1,1,1,1', [4]],
  ['GlobalAveragePooling1D', {}, [[2, 2]], [x4], {}, '1,2', [2, 3]],
  ['GlobalMaxPooling1D', {}, [[2, 2]], [x4], {}, '1,2', [3, 4]],
];

const of = (change: (x: number) => number): readonly number[] => line.map(change);
const elu = (x: number): number => (x > 0 ? x : Math.exp(x) - 1);
/** Keras 3 writes the type of numbers as an object. */
const keras3 = { dtype: { class_name: 'DTypePolicy', config: { name: 'float32' } } };
const act = (activation: unknown, values: readonly number[], more: object = {}): LayerCase => [
  'Activation',
  { activation, ...more },
  [[5]],
  [line],
  {},
  '1,5',
  values,
];

const activations: readonly LayerCase[] = [
  act('relu', [0, 0, 0, 2, 8]),
  act('relu6', [0, 0, 0, 2, 6]),
  act({ class_name: 'function', config: 'relu6' }, [0, 0, 0, 2, 6]),
  act({ class_name: 'LeakyReLU', config: { negative_slope: 0.5 } }, [-2, -0.5, 0, 2, 8]),
  act(
    'leaky_relu',
    of((x) => Math.max(x, 0.2 * x)),
  ),
  act('sigmoid', of(sigmoid)),
  act('tanh', of(Math.tanh)),
  act(
    'swish',
    of((x) => x * sigmoid(x)),
  ),
  act(
    'silu',
    of((x) => x * sigmoid(x)),
  ),
  act('elu', of(elu)),
  act(
    'selu',
    of((x) => 1.05070098 * (x > 0 ? x : 1.67326324 * elu(x))),
  ),
  act('gelu', [-0.0001266855, -0.158655254, 0, 1.954499736, 8]),
  act('hard_sigmoid', [0, 0.3, 0.5, 0.9, 1]),
  act('hard_sigmoid', [0, 1 / 3, 0.5, 5 / 6, 1], keras3),
  act('hard_silu', [0, -1 / 3, 0, 5 / 3, 8], keras3),
  act('hard_swish', [0, -1 / 3, 0, 5 / 3, 8]),
  act('softmax', softmaxOf(line)),
  act('log_softmax', softmaxOf(line).map(Math.log)),
  ['ReLU', { max_value: 1.5 }, [[5]], [line], {}, '1,5', [0, 0, 0, 1.5, 1.5]],
  ['ReLU', { negative_slope: 0.5, max_value: 3 }, [[5]], [line], {}, '1,5', [-2, -0.5, 0, 2, 3]],
  ['LeakyReLU', { alpha: 0.25 }, [[5]], [line], {}, '1,5', [-1, -0.25, 0, 2, 8]],
  ['ELU', { alpha: 1 }, [[5]], [line], {}, '1,5', of(elu)],
  ['PReLU', {}, [[5]], [line], { alpha: [[5], [0.5, 2, 9, 9, 9]] }, '1,5', [-2, -2, 0, 2, 8]],
  [
    'PReLU',
    { shared_axes: [1, 2] },
    [[1, 2, 2]],
    [[-1, -1, -2, 4]],
    {
      alpha: [
        [1, 1, 2],
        [0.5, 3],
      ],
    },
    '1,1,2,2',
    [-0.5, -3, -1, 4],
  ],
  ['Softmax', { axis: -1 }, [[5]], [line], {}, '1,5', softmaxOf(line)],
];

function softmaxOf(values: readonly number[]): number[] {
  const sum = values.reduce((total, x) => total + Math.exp(x), 0);
  return values.map((x) => Math.exp(x) / sum);
}

const two = [[3], [3]];
const given = [rise, [10, 0, -2]];
const merges: readonly LayerCase[] = [
  ['Add', {}, two, given, {}, '1,3', [11, 2, 1]],
  ['Add', {}, [[1], [1], [1]], [[1], [20], [300]], {}, '1,1', [321]],
  ['Subtract', {}, two, given, {}, '1,3', [-9, 2, 5]],
  ['Multiply', {}, two, given, {}, '1,3', [10, 0, -6]],
  [
    'Multiply',
    {},
    [
      [1, 2, 2],
      [1, 1, 2],
    ],
    [x4, [10, 100]],
    {},
    '1,1,2,2',
    [10, 200, 30, 400],
  ],
  ['Average', {}, two, given, {}, '1,3', [5.5, 1, 0.5]],
  ['Maximum', {}, two, given, {}, '1,3', [10, 2, 3]],
  ['Minimum', {}, two, given, {}, '1,3', [1, 0, -2]],
  ['Concatenate', {}, two, given, {}, '1,6', [1, 2, 3, 10, 0, -2]],
  [
    'Concatenate',
    { axis: 1 },
    [
      [1, 2],
      [1, 2],
    ],
    [
      [1, 2],
      [3, 4],
    ],
    {},
    '1,2,2',
    x4,
  ],
];

const shapes: readonly LayerCase[] = [
  ['Flatten', {}, [[2, 2]], [x4], {}, '1,4', x4],
  ['Reshape', { target_shape: [-1, 2] }, [[4]], [x4], {}, '1,2,2', x4],
  ['Permute', { dims: [2, 1] }, [[2, 2]], [x4], {}, '1,2,2', [1, 3, 2, 4]],
  ['RepeatVector', { n: 2 }, [[2]], [[1, 2]], {}, '1,2,2', [1, 2, 1, 2]],
  [
    'ZeroPadding2D',
    {
      padding: [
        [1, 0],
        [0, 2],
      ],
    },
    [[1, 1, 1]],
    [[5]],
    {},
    '1,2,3,1',
    [0, 0, 0, 5, 0, 0],
  ],
  ['ZeroPadding1D', { padding: [1, 2] }, [[1, 1]], [[5]], {}, '1,4,1', [0, 5, 0, 0]],
  [
    'Cropping2D',
    {
      cropping: [
        [1, 0],
        [0, 1],
      ],
    },
    [square],
    [x4],
    {},
    '1,1,1,1',
    [3],
  ],
  ['Cropping1D', { cropping: [1, 1] }, [[3, 1]], [rise], {}, '1,1,1', [2]],
  ['UpSampling2D', { size: [1, 2] }, [[1, 2, 1]], [[1, 2]], {}, '1,1,4,1', [1, 1, 2, 2]],
  ['UpSampling2D', { size: [1, 2], interpolation: 'bilinear' }, [[1, 2, 1]], [[0, 4]], {}, '1,1,4,1', [0, 1, 3, 4]],
  ['UpSampling1D', { size: 2 }, [[2, 1]], [[1, 2]], {}, '1,4,1', [1, 1, 2, 2]],
  ['Resizing', { height: 1, width: 3, interpolation: 'nearest' }, [[1, 2, 1]], [[1, 2]], {}, '1,1,3,1', [1, 2, 2]],
  ['Resizing', { height: 1, width: 4 }, [[1, 2, 1]], [[0, 4]], {}, '1,1,4,1', [0, 1, 3, 4]],
];

describe('a layer gives what its formula gives', () => {
  itGives([...scalings, ...pools, ...activations, ...merges, ...shapes]);

  for (const className of [
    'Dropout',
    'SpatialDropout2D',
    'GaussianNoise',
    'RandomFlip',
    'ActivityRegularization',
    'Identity',
  ]) {
    it(`${className} disappears`, async () => {
      const inner = { class_name: className, config: { name: className } };
      const chain = [{ class_name: 'ReLU', config: { name: 'relu', batch_input_shape: [null, 2] } }, inner];
      const graph = await importLayer({
        className: 'Sequential',
        config: { layers: chain },
        shapes: [[2]],
        weights: {},
      });
      assert.deepEqual(
        graph.ops.map(({ kind }) => kind),
        ['RELU'],
      );
    });
  }
});
