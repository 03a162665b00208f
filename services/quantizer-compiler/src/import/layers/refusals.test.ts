import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { lstmWeights, square } from './layer-case-for-tests.js';
import { importLayer } from './layer-for-tests.js';
import type { TestWeights } from './layer-for-tests.js';

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
    [
      'Normalization',
      { axis: [1], mean: [[[1]], [[2]]], variance: [[[1]], [[2]]] },
      [2, 2, 2],
      {},
      /works along axis \[1\] of 4; the last is supported/,
    ],
    [
      'Bidirectional',
      { layer: { class_name: 'LSTM', config: { units: 1 } }, merge_mode: null },
      [2, 1],
      {},
      /gives both directions apart \(merge_mode null\)/,
    ],
    [
      'Bidirectional',
      {
        layer: { class_name: 'LSTM', config: { units: 1 } },
        backward_layer: { class_name: 'GRU', config: { units: 1 } },
      },
      [2, 1],
      {},
      /wraps LSTM forward and "GRU" backward/,
    ],
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
