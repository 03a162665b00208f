import { describe } from 'node:test';
import { itGives, square, x4 } from './layer-case-for-tests.js';
import type { LayerCase } from './layer-case-for-tests.js';

const rise = [1, 2, 3];

const convolutions: readonly LayerCase[] = [
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

describe('a convolution gives what its formula gives', () => itGives(convolutions));
