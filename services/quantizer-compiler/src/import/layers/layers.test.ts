import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { importLayer, runGraph } from './layer-for-tests.js';
import type { TestWeights } from './layer-for-tests.js';

/** Class, settings, input shapes, inputs, weights, and what comes out. */
type Case = readonly [
  className: string,
  config: object,
  shapes: readonly (readonly number[])[],
  inputs: readonly (readonly number[])[],
  weights: TestWeights,
  shape: string,
  values: readonly number[],
];

const x4 = [1, 2, 3, 4];
const square = [2, 2, 1];
const line = [-4, -1, 0, 2, 8];
const rise = [1, 2, 3];

const convolutions: readonly Case[] = [
  [
    'Conv2D',
    { kernel_size: [2, 2] },
    [square],
    [x4],
    {
      kernel: [
        [2, 2, 1, 1],
        [1, 0, 0, 1],
      ],
      bias: [[1], [10]],
    },
    '1,1,1,1',
    [15],
  ],
  [
    'Conv2D',
    { kernel_size: 2, padding: 'same' },
    [square],
    [x4],
    {
      kernel: [
        [2, 2, 1, 1],
        [1, 0, 0, 1],
      ],
      bias: [[1], [10]],
    },
    '1,2,2,1',
    [15, 12, 13, 14],
  ],
  [
    'Conv2D',
    { use_bias: false, activation: 'relu' },
    [[1, 1, 2]],
    [[1, 10]],
    {
      kernel: [
        [1, 1, 2, 3],
        [1, 2, -9, 3, 4, 0],
      ],
    },
    '1,1,1,3',
    [31, 42, 0],
  ],
  [
    'Conv2D',
    { groups: 2, use_bias: false },
    [[1, 1, 2]],
    [[3, 5]],
    {
      kernel: [
        [1, 1, 1, 2],
        [2, 4],
      ],
    },
    '1,1,1,2',
    [6, 20],
  ],
  [
    'Conv2D',
    { use_bias: false, dilation_rate: 2 },
    [[1, 3, 1]],
    [rise],
    {
      kernel: [
        [1, 2, 1, 1],
        [1, 10],
      ],
    },
    '1,1,1,1',
    [31],
  ],
  [
    'DepthwiseConv2D',
    { use_bias: false },
    [[1, 1, 2]],
    [[3, 5]],
    {
      depthwise_kernel: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
    },
    '1,1,1,4',
    [3, 6, 15, 20],
  ],
  [
    'SeparableConv2D',
    {},
    [[1, 1, 2]],
    [[3, 5]],
    {
      depthwise_kernel: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
      pointwise_kernel: [
        [1, 1, 4, 1],
        [1, 1, 1, 2],
      ],
      bias: [[1], [1]],
    },
    '1,1,1,1',
    [65],
  ],
  [
    'Conv2DTranspose',
    { strides: 2 },
    [[1, 1, 1]],
    [[2]],
    {
      kernel: [
        [2, 2, 1, 1],
        [1, 2, 3, 4],
      ],
      bias: [[1], [1]],
    },
    '1,2,2,1',
    [3, 5, 7, 9],
  ],
  [
    'Conv2DTranspose',
    { padding: 'same', use_bias: false },
    [[1, 2, 1]],
    [[1, 10]],
    {
      kernel: [
        [1, 2, 1, 1],
        [1, 2],
      ],
    },
    '1,1,2,1',
    [1, 12],
  ],
  [
    'Conv2DTranspose',
    { use_bias: false },
    [[1, 1, 2]],
    [[1, 10]],
    {
      kernel: [
        [1, 1, 2, 2],
        [1, 2, 3, 4],
      ],
    },
    '1,1,1,2',
    [21, 43],
  ],
  [
    'Conv1D',
    { use_bias: false },
    [[3, 1]],
    [rise],
    {
      kernel: [
        [2, 1, 1],
        [1, 10],
      ],
    },
    '1,2,1',
    [21, 32],
  ],
  [
    'Conv1D',
    { use_bias: false, padding: 'causal' },
    [[3, 1]],
    [rise],
    {
      kernel: [
        [2, 1, 1],
        [1, 10],
      ],
    },
    '1,3,1',
    [10, 21, 32],
  ],
  [
    'Dense',
    { activation: 'relu' },
    [[2]],
    [[1, 2]],
    {
      kernel: [
        [2, 3],
        [1, 2, -9, 3, 4, 0],
      ],
      bias: [[3], [10, 20, 0]],
    },
    '1,3',
    [17, 30, 0],
  ],
  [
    'Dense',
    {},
    [[2, 2]],
    [[1, 0, 0, 1]],
    {
      kernel: [
        [2, 2],
        [1, 2, 3, 4],
      ],
      bias: [[2], [10, 20]],
    },
    '1,2,2',
    [11, 22, 13, 24],
  ],
];

const statistics: TestWeights = { moving_mean: [[2], [1, 2]], moving_variance: [[2], [3, 8]] };
const bnWeights: TestWeights = { gamma: [[2], [4, 6]], beta: [[2], [1, -1]], ...statistics };

const scalings: readonly Case[] = [
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

const pools: readonly Case[] = [
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
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const elu = (x: number): number => (x > 0 ? x : Math.exp(x) - 1);
/** Keras 3 writes the type of numbers as an object. */
const keras3 = { dtype: { class_name: 'DTypePolicy', config: { name: 'float32' } } };
const act = (activation: unknown, values: readonly number[], more: object = {}): Case => [
  'Activation',
  { activation, ...more },
  [[5]],
  [line],
  {},
  '1,5',
  values,
];

const activations: readonly Case[] = [
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
const merges: readonly Case[] = [
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

const shapes: readonly Case[] = [
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

/** One unit over two steps, gate by gate with plain numbers. */
const sequence = [[2, 1]];
const steps = [[1, 2]];
const lstmWeights: TestWeights = {
  kernel: [
    [1, 4],
    [0.5, 0.25, 1, -0.5],
  ],
  recurrent_kernel: [
    [1, 4],
    [0.1, 0.2, 0.3, 0.4],
  ],
  bias: [[4], [0.1, 1, 0, 0.2]],
};
function lstmOf(inputs: readonly number[]): number[] {
  let [h, c] = [0, 0];
  return inputs.map((x) => {
    const i = sigmoid(0.5 * x + 0.1 * h + 0.1);
    const f = sigmoid(0.25 * x + 0.2 * h + 1);
    const g = Math.tanh(x + 0.3 * h);
    const o = sigmoid(-0.5 * x + 0.4 * h + 0.2);
    c = f * c + i * g;
    h = o * Math.tanh(c);
    return h;
  });
}
function gruOf(inputs: readonly number[]): number {
  return inputs.reduce((h, x) => {
    const z = sigmoid(0.5 * x + 0.1 + 0.1 * h + 0.4);
    const r = sigmoid(0.25 * x + 0.2 + 0.2 * h + 0.5);
    const n = Math.tanh(x + 0.3 + r * (0.3 * h + 0.6));
    return z * h + (1 - z) * n;
  }, 0);
}
const [h1 = 0, h2 = 0] = lstmOf([1, 2]);
const both: TestWeights = Object.fromEntries(
  ['forward_lstm', 'backward_lstm'].flatMap((side) =>
    Object.entries(lstmWeights).map(([name, weight]) => [`${side}/lstm_cell/${name}`, weight] as const),
  ),
);
const recurrent: readonly Case[] = [
  ['LSTM', { units: 1 }, sequence, steps, lstmWeights, '1,1', [h2]],
  ['LSTM', { units: 1, return_sequences: true }, sequence, steps, lstmWeights, '1,2,1', [h1, h2]],
  ['LSTM', { units: 1, go_backwards: true }, sequence, steps, lstmWeights, '1,1', [lstmOf([2, 1])[1] ?? 0]],
  [
    'GRU',
    { units: 1 },
    sequence,
    steps,
    {
      kernel: [
        [1, 3],
        [0.5, 0.25, 1],
      ],
      recurrent_kernel: [
        [1, 3],
        [0.1, 0.2, 0.3],
      ],
      bias: [
        [2, 3],
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      ],
    },
    '1,1',
    [gruOf([1, 2])],
  ],
  [
    'SimpleRNN',
    { units: 1 },
    sequence,
    steps,
    { kernel: [[1, 1], [0.5]], recurrent_kernel: [[1, 1], [0.3]], bias: [[1], [0.1]] },
    '1,1',
    [Math.tanh(1.1 + 0.3 * Math.tanh(0.6))],
  ],
  [
    'Bidirectional',
    { layer: { class_name: 'LSTM', config: { units: 1, return_sequences: true } } },
    sequence,
    steps,
    both,
    '1,2,2',
    [h1, lstmOf([2, 1])[1] ?? 0, h2, lstmOf([2, 1])[0] ?? 0],
  ],
];

describe('a layer gives what its formula gives', () => {
  for (const [className, config, inputShapes, inputs, weights, shape, values] of [
    ...convolutions,
    ...scalings,
    ...pools,
    ...activations,
    ...merges,
    ...shapes,
    ...recurrent,
  ]) {
    it(`${className} ${JSON.stringify(config)} of ${JSON.stringify(inputShapes)}`, async () => {
      const graph = await importLayer({ className, config, shapes: inputShapes, weights });
      const found = await runGraph(graph, inputs);
      assert.equal(found.shape.join(), shape);
      assert.equal(found.values.length, values.length);
      for (const [index, value] of found.values.entries()) {
        const expected = values[index] ?? NaN;
        assert.ok(
          Math.abs(value - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
          `${String(found.values)} is not ${String(values)}`,
        );
      }
    });
  }

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

describe('a layer is refused by name', () => {
  const kernel: TestWeights = { kernel: [[1, 1, 1, 1], [1]], bias: [[1], [0]] };
  const refusals: readonly (readonly [string, object, readonly number[], TestWeights, RegExp])[] = [
    [
      'LayerNormalization',
      {},
      square,
      {},
      /layer layer \(LayerNormalization\) is not supported; int8 has no operation/,
    ],
    ['Lambda', {}, square, {}, /\(Lambda\) is not supported; it holds Python code/],
    ['TimeDistributed', {}, square, {}, /\(TimeDistributed\) is not supported; Dense and Conv1D/],
    ['constructor', {}, square, {}, /\(constructor\) is not supported; these layers are: Conv1D, /],
    ['Conv2D', { data_format: 'channels_first' }, square, kernel, /puts channels first/],
    ['Conv2D', {}, square, {}, /has no weight kernel in the file/],
    ['Conv2D', {}, [2, 2, 3], kernel, /has 1 input channels after a value of shape \[1, 2, 2, 3\]/],
    [
      'Conv2D',
      { strides: 1e9 },
      square,
      { kernel: [[3, 3, 1, 1], Array<number>(9).fill(1)], bias: [[1], [0]] },
      /cannot follow an input of shape \[1, 2, 2, 1\]/,
    ],
    ['Conv2D', { strides: [0, 1] }, square, kernel, /has strides \[0,1\], not two whole numbers above 0/],
    ['Conv2D', { strides: 1e300 }, square, kernel, /has strides 1e\+300/],
    [
      'Conv2D',
      {},
      square,
      { kernel: [[1, 1, 1, 1], [NaN]], bias: [[1], [0]] },
      /has values in weight kernel that are no finite/,
    ],
    [
      'Conv2D',
      {},
      square,
      { kernel: [[1, 1, 1, 1], [1]], bias: [[2], [0, 0]] },
      /has weight bias of shape \[2\], not \[1\]/,
    ],
    [
      'Conv2D',
      {},
      square,
      { kernel: [[1, 1, 1], [1]], bias: [[1], [0]] },
      /has weight kernel of shape \[1, 1, 1\], not \[any, any, any, any\]/,
    ],
    ['Conv2DTranspose', { output_padding: 1 }, square, kernel, /has output_padding/],
    ['Conv2DTranspose', { strides: 2_000_000_000 }, square, kernel, /makes a tensor of shape/],
    ['ReLU', { threshold: 1 }, square, {}, /has a threshold/],
    ['Activation', { activation: 'softplus' }, square, {}, /has activation "softplus"; linear, relu/],
    ['BatchNormalization', { axis: 1 }, square, {}, /works along axis 1 of 4; the last is supported/],
    ['Softmax', { axis: 1 }, square, {}, /works along axis 1; the last is supported/],
    ['MaxPooling2D', { pool_size: 1e9 }, square, {}, /cannot follow an input/],
    ['UpSampling2D', { size: 40_000 }, square, {}, /makes a tensor of shape \[1, 80000, 80000, 1\]/],
    ['UpSampling2D', { size: 2_000_000_000 }, square, {}, /makes a picture of/],
    ['ZeroPadding2D', { padding: 1e6 }, square, {}, /makes a tensor of shape/],
    ['ZeroPadding2D', { padding: -1 }, square, {}, /has padding -1, not margins/],
    ['Cropping2D', { cropping: 2 }, square, {}, /leaves nothing of a value/],
    ['Reshape', { target_shape: [-1, 3] }, square, {}, /cannot make \[-1,3\] of a value of shape \[1, 2, 2, 1\]/],
    ['Reshape', { target_shape: [-1, -1] }, square, {}, /cannot make/],
    ['Permute', { dims: [1, 1, 2] }, square, {}, /cannot follow an input/],
    ['RepeatVector', { n: 1e9 }, [4], {}, /makes a tensor of shape/],
    ['LSTM', { units: 1 }, [65, 1], lstmWeights, /has 65 steps; up to 64 are written out/],
    ['LSTM', { units: 1, return_state: true }, [2, 1], lstmWeights, /has return_state/],
    ['GRU', { units: 1, reset_after: false }, [2, 1], {}, /has reset_after false/],
    ['Resizing', { height: 2, width: 2, crop_to_aspect_ratio: true }, square, {}, /has crop_to_aspect_ratio/],
    ['Add', {}, square, {}, /is given one value; two or more are needed/],
    [
      'Dense',
      { units: 1 },
      [3],
      {
        kernel: [
          [2, 1],
          [1, 1],
        ],
        bias: [[1], [0]],
      },
      /takes 2 values after a value of shape \[1, 3\]/,
    ],
  ];
  for (const [className, config, shape, weights, message] of refusals) {
    it(`${className} ${JSON.stringify(config)} ${String(message)}`, async () => {
      await assert.rejects(
        importLayer({ className, config, shapes: [shape], weights }),
        (error) =>
          isAtollError(error, 'INVALID_ARGUMENT') &&
          error.message.startsWith('cannot import model.json: layer layer (') &&
          message.test(error.message) &&
          !error.message.includes('\n'),
      );
    });
  }
});
