import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import type { Value } from './graph.js';
import { supportedOps } from './op-table.js';
import { outputShapes } from './shapes.js';

const activation = activations.NONE;
const float = (...shape: number[]): Value => ({ name: 'x', type: 'float32', shape, data: null, quantization: null });
const ints = (...data: number[]): Value => ({
  name: 'operand',
  type: 'int32',
  shape: [data.length],
  data: Int32Array.from(data),
  quantization: null,
});
const computed: Value = { ...ints(1, 1), name: 'computed', data: null };

const conv = (padding: keyof typeof paddings, stride: number, dilation = 1): OperatorOptions => ({
  type: 'Conv2DOptions',
  padding: paddings[padding],
  strideW: stride,
  strideH: stride,
  activation,
  dilationW: dilation,
  dilationH: dilation,
  quantizedBiasType: 0,
});
const depthwise = (padding: keyof typeof paddings, stride: number): OperatorOptions => ({
  type: 'DepthwiseConv2DOptions',
  padding: paddings[padding],
  strideW: stride,
  strideH: stride,
  depthMultiplier: 2,
  activation,
  dilationW: 1,
  dilationH: 1,
});
const pool = (padding: keyof typeof paddings, window: number, stride: number): OperatorOptions => ({
  type: 'Pool2DOptions',
  padding: paddings[padding],
  strideW: stride,
  strideH: stride,
  filterWidth: window,
  filterHeight: window,
  activation,
});
const up = (padding: keyof typeof paddings, stride: number): OperatorOptions => ({
  type: 'TransposeConvOptions',
  padding: paddings[padding],
  strideW: stride,
  strideH: stride,
  activation,
  quantizedBiasType: 0,
});
const dense = (keepNumDims: boolean): OperatorOptions => ({
  type: 'FullyConnectedOptions',
  activation,
  weightsFormat: 0,
  keepNumDims,
  asymmetricQuantizeInputs: false,
  quantizedBiasType: 0,
});
const reducer = (keepDims: boolean): OperatorOptions => ({ type: 'ReducerOptions', keepDims });
const strided = (masks: object = {}): OperatorOptions => ({
  type: 'StridedSliceOptions',
  beginMask: 0,
  endMask: 0,
  ellipsisMask: 0,
  newAxisMask: 0,
  shrinkAxisMask: 0,
  offset: false,
  ...masks,
});
const add: OperatorOptions = { type: 'AddOptions', activation, potScaleInt16: true };
const concat = (axis: number): OperatorOptions => ({ type: 'ConcatenationOptions', axis, activation });
const gather = (axis: number, batchDims = 0): OperatorOptions => ({ type: 'GatherOptions', axis, batchDims });
const mirror = (mode: number): OperatorOptions => ({ type: 'MirrorPadOptions', mode });

type Case = readonly [BuiltinName, OperatorOptions | null, readonly Value[], string | RegExp];

/** Expected: shapes of the outputs, "?" for not known yet, or the refusal. */
const cases: readonly Case[] = [
  ['CONV_2D', conv('SAME', 2), [float(1, 9, 8, 3), float(5, 3, 3, 3)], '1,5,4,5'],
  ['CONV_2D', conv('VALID', 2, 2), [float(1, 9, 9, 3), float(5, 3, 3, 3)], '1,3,3,5'],
  ['CONV_2D', conv('SAME', 1), [float(1, 8, 8, 6), float(4, 3, 3, 3)], '1,8,8,4'],
  ['CONV_2D', conv('SAME', 0), [float(1, 8, 8, 3), float(4, 3, 3, 3)], /its stride is 0/],
  ['CONV_2D', conv('SAME', 1, -1), [float(1, 8, 8, 3), float(4, 3, 3, 3)], /its dilation is -1/],
  ['CONV_2D', conv('SAME', 1), [float(1, 8, 8, 4), float(4, 3, 3, 3)], /4 filters of 3 channels do not fit the 4/],
  ['CONV_2D', conv('SAME', 1), [float(8, 8, 4), float(4, 3, 3, 4)], /not 4 dimensions/],
  ['CONV_2D', null, [float(1, 8, 8, 4), float(4, 3, 3, 4)], /it has no Conv2DOptions/],
  ['CONV_2D', conv('SAME', 1), [float(1, 8, 8, 4)], /it has no input 1/],
  ['DEPTHWISE_CONV_2D', depthwise('SAME', 2), [float(1, 8, 8, 3), float(1, 3, 3, 6)], '1,4,4,6'],
  ['DEPTHWISE_CONV_2D', depthwise('SAME', 2), [float(1, 8, 8, 4), float(1, 3, 3, 6)], /6 channels do not fit the 4/],
  ['TRANSPOSE_CONV', up('SAME', 2), [ints(1, 8, 8, 5), float(5, 3, 3, 2), float(1, 4, 4, 2)], '1,8,8,5'],
  ['TRANSPOSE_CONV', up('VALID', 2), [ints(1, 9, 9, 5), float(5, 3, 3, 2), float(1, 4, 4, 2)], '1,9,9,5'],
  ['TRANSPOSE_CONV', up('VALID', 2), [computed, float(5, 3, 3, 2), float(1, 4, 4, 2)], '?'],
  ['TRANSPOSE_CONV', up('VALID', 2), [ints(1, 9, 7, 5), float(5, 3, 3, 2), float(1, 4, 4, 2)], /does not fit x/],
  ['TRANSPOSE_CONV', up('SAME', 2), [ints(2, 8, 8, 5), float(5, 3, 3, 2), float(1, 4, 4, 2)], /does not fit x/],
  ['FULLY_CONNECTED', dense(false), [float(1, 2, 2, 4), float(5, 16)], '1,5'],
  ['FULLY_CONNECTED', dense(false), [float(3, 4), float(5, 4)], '3,5'],
  ['FULLY_CONNECTED', dense(true), [float(1, 7, 4), float(5, 4)], '1,7,5'],
  ['FULLY_CONNECTED', dense(false), [float(1, 7), float(5, 4)], /rows of 4 do not fit x \[1, 7\]/],
  ['MAX_POOL_2D', pool('VALID', 3, 2), [float(1, 8, 8, 3)], '1,3,3,3'],
  ['AVERAGE_POOL_2D', pool('SAME', 3, 2), [float(1, 7, 8, 3)], '1,4,4,3'],
  ['MAX_POOL_2D', pool('VALID', 0, 2), [float(1, 8, 8, 3)], /its window is 0/],
  ['ADD', add, [float(1, 4, 4, 3), float(3)], '1,4,4,3'],
  ['SUB', null, [float(1, 1, 3), float(4, 1)], '1,4,3'],
  ['MUL', null, [float(1, 4, 4, 3), float(1, 1, 1, 3)], '1,4,4,3'],
  ['DIV', null, [float(3), float()], '3'],
  ['MAXIMUM', null, [float(2, 3), float(4)], /\[2, 3\] and \[4\] do not stretch/],
  ['MINIMUM', null, [float(2, 3), float(2, 3)], '2,3'],
  ['SQUARED_DIFFERENCE', null, [float(2, 3), float(2, 1)], '2,3'],
  ['PRELU', null, [float(1, 4, 4, 3), float(1, 1, 3)], '1,4,4,3'],
  ['PRELU', null, [float(1, 4, 4, 1), float(1, 1, 3)], /slopes \[1, 1, 3\] do not fit/],
  ['MEAN', reducer(false), [float(1, 4, 5, 3), ints(1, 2)], '1,3'],
  ['SUM', reducer(true), [float(1, 4, 5, 3), ints(-2, 1, 2)], '1,1,1,3'],
  ['REDUCE_MAX', reducer(false), [float(1, 4, 5, 3), ints(4)], /axis 4 is none of 4 dimensions/],
  ['REDUCE_MIN', reducer(false), [float(1, 4, 5, 3), computed], '?'],
  ['ARG_MAX', { type: 'ArgMaxOptions', outputType: 2 }, [float(1, 4, 5, 3), ints(-1)], '1,4,5'],
  ['ARG_MIN', { type: 'ArgMinOptions', outputType: 2 }, [float(1, 4), ints(0, 1)], /it has 2 axes/],
  ['CONCATENATION', concat(-1), [float(1, 4, 4, 3), float(1, 4, 4, 5)], '1,4,4,8'],
  ['CONCATENATION', concat(3), [float(1, 4, 4, 3), float(1, 4, 5, 3)], /x \[1, 4, 5, 3\] does not fit/],
  ['CONCATENATION', concat(7), [float(1, 4, 4, 3)], /axis 7 is none of 4 dimensions/],
  ['PACK', { type: 'PackOptions', valuesCount: 2, axis: 1 }, [float(4, 3), float(4, 3)], '4,2,3'],
  ['PACK', { type: 'PackOptions', valuesCount: 2, axis: -1 }, [float(4, 3), float(4, 3)], '4,3,2'],
  ['PACK', { type: 'PackOptions', valuesCount: 2, axis: 0 }, [float(4, 3), float(3, 4)], /x is not of shape \[4, 3\]/],
  ['UNPACK', { type: 'UnpackOptions', num: 2, axis: 1 }, [float(4, 2, 3)], '4,3 4,3'],
  ['UNPACK', { type: 'UnpackOptions', num: 3, axis: 1 }, [float(4, 2, 3)], /it gives 3 parts of 2/],
  ['SPLIT', { type: 'SplitOptions', numSplits: 3 }, [ints(-1), float(1, 4, 6)], '1,4,2 1,4,2 1,4,2'],
  ['SPLIT', { type: 'SplitOptions', numSplits: 4 }, [ints(2), float(1, 4, 6)], /6 does not part in 4/],
  ['SPLIT', { type: 'SplitOptions', numSplits: 2 ** 30 }, [ints(0), float(0, 4)], /0 does not part in 1073741824/],
  ['UNPACK', { type: 'UnpackOptions', num: 2 ** 30, axis: 0 }, [float(2 ** 30)], /it gives 1073741824 parts/],
  ['SPLIT', { type: 'SplitOptions', numSplits: 0 }, [ints(2), float(1, 4, 6)], /its number of parts is 0/],
  ['SPLIT_V', { type: 'SplitVOptions', numSplits: 2 }, [float(1, 4, 6), ints(1, -1), ints(2)], '1,4,1 1,4,5'],
  ['SPLIT_V', { type: 'SplitVOptions', numSplits: 2 }, [float(1, 4, 6), ints(1, 4), ints(2)], /are no parts of 6/],
  ['GATHER', gather(1), [float(1, 4, 3), ints(0, 3)], '1,2,3'],
  ['GATHER', gather(1, 1), [float(2, 4, 3), { ...computed, shape: [2, 5] }], '2,5,3'],
  ['GATHER', gather(1), [float(1, 4, 3), ints(0, 4)], /index 4 is none of 4/],
  ['GATHER', gather(1, 9), [float(1, 4, 3), ints(0)], /it has 9 batch dimensions/],
  ['RESHAPE', { type: 'ReshapeOptions', newShape: [] }, [float(1, 4, 3), ints(-1, 6)], '2,6'],
  ['RESHAPE', { type: 'ReshapeOptions', newShape: [1, 12] }, [float(1, 4, 3)], '1,12'],
  ['RESHAPE', null, [float(1, 4, 3), computed], '?'],
  ['RESHAPE', null, [float(1, 4, 3), ints(5, -1)], /has not as many elements as \[5, -1\]/],
  ['RESHAPE', null, [float(1, 4, 3), ints(-1, -1)], /has not as many elements/],
  ['RESHAPE', null, [float(1, 4, 3), ints(-1, 0)], /has not as many elements/],
  ['RESHAPE', null, [float(1, 4, 3), ints(-3, -4)], /has not as many elements/],
  ['SQUEEZE', { type: 'SqueezeOptions', squeezeDims: [-2] }, [float(1, 4, 1, 3)], '1,4,3'],
  ['SQUEEZE', { type: 'SqueezeOptions', squeezeDims: [] }, [float(1, 4, 1, 3)], '4,3'],
  ['SQUEEZE', { type: 'SqueezeOptions', squeezeDims: [1] }, [float(1, 4, 1, 3)], /axis 1 of \[1, 4, 1, 3\] is not 1/],
  ['EXPAND_DIMS', null, [float(4, 3), ints(-1)], '4,3,1'],
  ['EXPAND_DIMS', null, [float(4, 3), ints(3)], /axis 3 is none of 3 dimensions/],
  ['TRANSPOSE', null, [float(1, 4, 5, 3), ints(0, 3, 1, 2)], '1,3,4,5'],
  ['TRANSPOSE', null, [float(1, 4, 5, 3), ints(0, 3, 3, 2)], /is no order of 4 dimensions/],
  ['PAD', null, [float(1, 4, 4, 3), ints(0, 0, 1, 2, 1, 2, 0, 0)], '1,7,7,3'],
  ['PADV2', null, [float(1, 4), ints(0, 0, 1)], /margins \[0, 0, 1\] do not fit/],
  ['PAD', null, [float(1, 4), ints(0, 0, -1, 1)], /margins .* do not fit/],
  ['MIRROR_PAD', mirror(0), [float(1, 4), ints(0, 0, 3, 3)], '1,10'],
  ['MIRROR_PAD', mirror(0), [float(1, 4), ints(0, 0, 4, 0)], /margins 4 and 0 are wider/],
  ['MIRROR_PAD', mirror(1), [float(1, 4), ints(0, 0, 4, 0)], '1,8'],
  ['TILE', null, [float(1, 4), ints(2, 3)], '2,12'],
  ['TILE', null, [float(1, 4), ints(2, 0)], /repetitions do not fit/],
  ['SPACE_TO_BATCH_ND', null, [float(1, 4, 7, 3), ints(2, 3), ints(0, 0, 1, 1)], '6,2,3,3'],
  ['SPACE_TO_BATCH_ND', null, [float(1, 4, 7, 3), ints(2, 3), ints(0, 0, 1, 0)], /8 has no blocks of 3/],
  ['SPACE_TO_BATCH_ND', null, [float(1, 4, 7, 3), ints(2, 0), ints(0, 0, 1, 0)], /its block is 0/],
  ['BATCH_TO_SPACE_ND', null, [float(6, 2, 3, 3), ints(2, 3), ints(0, 0, 1, 1)], '1,4,7,3'],
  ['BATCH_TO_SPACE_ND', null, [float(5, 2, 3, 3), ints(2, 3), ints(0, 0, 1, 1)], /5 batches are no blocks/],
  ['BATCH_TO_SPACE_ND', null, [float(6, 2, 3, 3), ints(2, 3), ints(0, 0, 1)], /do not fit/],
  ['SPACE_TO_DEPTH', { type: 'SpaceToDepthOptions', blockSize: 2 }, [float(1, 4, 6, 3)], '1,2,3,12'],
  ['SPACE_TO_DEPTH', { type: 'SpaceToDepthOptions', blockSize: 3 }, [float(1, 4, 6, 3)], /4x6 has no blocks of 3/],
  ['DEPTH_TO_SPACE', { type: 'DepthToSpaceOptions', blockSize: 2 }, [float(1, 2, 3, 12)], '1,4,6,3'],
  ['DEPTH_TO_SPACE', { type: 'DepthToSpaceOptions', blockSize: 2 }, [float(1, 2, 3, 6)], /6 channels are no blocks/],
  ['RESIZE_BILINEAR', null, [float(1, 2, 3, 6), ints(4, 9)], '1,4,9,6'],
  ['RESIZE_NEAREST_NEIGHBOR', null, [float(1, 2, 3, 6), computed], '?'],
  ['RESIZE_BILINEAR', null, [float(1, 2, 3, 6), ints(4, 0)], /its width is 0/],
  ['SLICE', null, [float(1, 4, 6), ints(0, 1, 2), ints(1, -1, 3)], '1,3,3'],
  ['SLICE', null, [float(1, 4, 6), ints(0, 1, 2), ints(1, -1, 5)], /2 \+ 5 is beyond 6/],
  ['SLICE', null, [float(1, 4, 6), ints(0, -1, 2), ints(1, 1, 3)], /-1 \+ 1 is beyond 4/],
  ['STRIDED_SLICE', strided(), [float(1, 9, 6), ints(0, 1, 0), ints(1, 8, 6), ints(1, 2, 1)], '1,4,6'],
  ['STRIDED_SLICE', strided({ endMask: 6 }), [float(1, 9, 6), ints(0, 1, 0), ints(1, 0, 0), ints(1, 2, 4)], '1,4,2'],
  ['STRIDED_SLICE', strided({ shrinkAxisMask: 1 }), [float(3, 9), ints(-1), ints(0), ints(1)], '9'],
  ['STRIDED_SLICE', strided({ beginMask: 3, endMask: 3 }), [float(3, 9), ints(0, 0), ints(0, 0), ints(1, -1)], '3,9'],
  ['STRIDED_SLICE', strided(), [float(3, 9), ints(0, 0), ints(3, 99), ints(1, 1)], '3,9'],
  ['STRIDED_SLICE', strided(), [float(3, 9), ints(0, 0), ints(3, 9), ints(1, 0)], /a stride is 0/],
  ['STRIDED_SLICE', strided({ shrinkAxisMask: 1 }), [float(3, 9), ints(5), ints(6), ints(1)], /index 5 is none of 3/],
  ['STRIDED_SLICE', strided({ ellipsisMask: 1 }), [float(3, 4, 9), ints(0, 2), ints(0, 5), ints(1, 1)], '3,4,3'],
  ['STRIDED_SLICE', strided({ newAxisMask: 5 }), [float(3, 9), ints(0, 1, 0), ints(0, 3, 0), ints(1, 1, 1)], '1,2,1,9'],
  [
    'STRIDED_SLICE',
    strided({ ellipsisMask: 1, newAxisMask: 2 }),
    [float(3, 9), ints(0, 0), ints(0, 0), ints(1, 1)],
    '3,9,1',
  ],
  ['STRIDED_SLICE', strided(), [float(3), ints(0, 0), ints(1, 1), ints(1, 1)], /2 slices do not fit \[3\]/],
  ['STRIDED_SLICE', strided({ offset: true }), [float(3), ints(0), ints(1), ints(1)], /end is an offset/],
  ['SHAPE', null, [float(1, 9, 6)], '3'],
  ['FILL', null, [ints(2, 3), float()], '2,3'],
  ['RANGE', null, [ints(0), ints(7), ints(2)], '4'],
  ['RANGE', null, [ints(0), ints(7), ints(0)], /in steps of 0/],
  ['REDUCE_PROD', reducer(false), [ints(1, 2, 3), ints(0)], ''],
  ['SOFTMAX', { type: 'SoftmaxOptions', beta: 1 }, [float(1, 9)], '1,9'],
];

describe('outputShapes', () => {
  for (const [kind, options, inputs, expected] of cases) {
    const given = inputs.map(({ shape, data }) => (data === null ? `[${shape.join()}]` : `{${[...data].join()}}`));
    it(`${kind} of ${given.join(' ')} gives ${String(expected)}`, () => {
      const shapes = (): string =>
        outputShapes({ kind, options }, inputs)
          ?.map((shape) => shape.join())
          .join(' ') ?? '?';
      if (typeof expected === 'string') assert.equal(shapes(), expected);
      else assert.throws(shapes, { code: 'INVALID_ARGUMENT', message: expected });
    });
  }

  it('knows every operation of the table', () => {
    for (const kind of supportedOps) {
      assert.throws(() => outputShapes({ kind, options: null }, []), {
        code: 'INVALID_ARGUMENT',
        message: /no input \d|no \w+Options/,
      });
    }
  });
});
