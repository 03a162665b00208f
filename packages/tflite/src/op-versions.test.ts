import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TensorType } from './enums.js';
import type { BuiltinName } from './ops.js';
import { isNewerRuntime, leastVersion, runtimeSince } from './op-versions.js';
import type { UsedTensor } from './op-versions.js';
import type { OperatorOptions } from './schema/options.js';

const tensor = (type: TensorType, shape: readonly number[], ...scales: number[]): UsedTensor => ({
  type,
  shape,
  scales,
});
const picture = [1, 8, 8, 4];
const int8 = tensor('int8', picture, 0.5);
const float = tensor('float32', picture);
const ints = tensor('int32', [4]);
const kernel = (type: TensorType, ...scales: number[]): UsedTensor => tensor(type, [4, 3, 3, 4], ...scales);
const dense = (keepNumDims: boolean, asymmetricQuantizeInputs = false): OperatorOptions => ({
  type: 'FullyConnectedOptions',
  activation: 0,
  weightsFormat: 0,
  keepNumDims,
  asymmetricQuantizeInputs,
  quantizedBiasType: 0,
});
const up = (activation: number): OperatorOptions => ({
  type: 'TransposeConvOptions',
  padding: 0,
  strideW: 2,
  strideH: 2,
  activation,
  quantizedBiasType: 0,
});
const bilinear = (halfPixelCenters: boolean): OperatorOptions => ({
  type: 'ResizeBilinearOptions',
  newHeight: 0,
  newWidth: 0,
  alignCorners: false,
  halfPixelCenters,
});
const nearest = (alignCorners: boolean): OperatorOptions => ({
  type: 'ResizeNearestNeighborOptions',
  alignCorners,
  halfPixelCenters: false,
});

type Case = readonly [BuiltinName, OperatorOptions | null, readonly UsedTensor[], UsedTensor, number];

const cases: readonly Case[] = [
  ['CONV_2D', null, [float, kernel('float32'), float], float, 1],
  ['CONV_2D', null, [int8, kernel('int8', 1, 2), ints], int8, 3],
  ['CONV_2D', null, [int8, tensor('int8', [4, 3, 3, 2], 1), ints], int8, 6],
  ['CONV_2D', null, [float, kernel('int8', 1, 2), float], float, 5],
  ['CONV_2D', null, [float, kernel('int8', 1), float], float, 2],
  ['DEPTHWISE_CONV_2D', null, [float, kernel('float32'), float], float, 1],
  ['DEPTHWISE_CONV_2D', null, [int8, kernel('int8', 1), ints], int8, 3],
  ['DEPTHWISE_CONV_2D', null, [float, kernel('int8', 1, 2), float], float, 6],
  ['FULLY_CONNECTED', dense(false), [float, float, float], float, 1],
  ['FULLY_CONNECTED', dense(false), [int8, int8, ints], int8, 4],
  ['FULLY_CONNECTED', dense(true), [int8, int8, ints], int8, 5],
  ['FULLY_CONNECTED', dense(false), [int8, int8], int8, 6],
  ['FULLY_CONNECTED', dense(false), [float, int8, float], float, 3],
  ['FULLY_CONNECTED', dense(false, true), [float, int8, float], float, 9],
  ['FULLY_CONNECTED', dense(false), [float, tensor('int8', [2, 4], 1, 2), float], float, 12],
  ['TRANSPOSE_CONV', up(0), [ints, kernel('int8', 1), int8], int8, 2],
  ['TRANSPOSE_CONV', up(0), [ints, kernel('int8', 1), int8, ints], int8, 3],
  ['TRANSPOSE_CONV', up(1), [ints, kernel('float32'), float], float, 4],
  ['TRANSPOSE_CONV', up(0), [ints, kernel('float32'), float], float, 1],
  ['MUL', null, [int8, int8], tensor('int8', picture, 0.3), 2],
  ['MUL', null, [int8, int8], tensor('int8', picture, 0.25), 3],
  ['MUL', null, [float, float], float, 1],
  ['ADD', null, [int8, int8], int8, 2],
  ['SUB', null, [tensor('float32', [1, 1, 2, 2, 3]), tensor('float32', [3])], float, 3],
  ['MAXIMUM', null, [int8, int8], int8, 2],
  ['RESIZE_BILINEAR', bilinear(false), [int8, ints], int8, 2],
  ['RESIZE_BILINEAR', bilinear(true), [float, ints], float, 3],
  ['RESIZE_NEAREST_NEIGHBOR', nearest(true), [int8, ints], int8, 3],
  ['RESIZE_NEAREST_NEIGHBOR', nearest(false), [int8, ints], int8, 2],
  ['TILE', null, [int8, ints], int8, 3],
  ['SPLIT', null, [ints, int8], int8, 2],
  ['SPLIT', null, [ints, ints], ints, 3],
  ['TRANSPOSE', null, [tensor('int8', [1, 1, 2, 2, 3], 1), ints], int8, 4],
  ['PAD', null, [int8, ints], int8, 2],
  ['GATHER', { type: 'GatherOptions', axis: 1, batchDims: 1 }, [int8, ints], int8, 5],
  ['QUANTIZE', null, [float], int8, 1],
  ['DEQUANTIZE', null, [int8], float, 2],
  ['DEQUANTIZE', null, [tensor('float16', [4])], float, 3],
  ['DEQUANTIZE', null, [tensor('uint8', [4], 1)], float, 1],
  ['RESHAPE', null, [int8, ints], int8, 1],
  ['LEAKY_RELU', { type: 'LeakyReluOptions', alpha: 0.1 }, [int8], int8, 1],
  ['HARD_SWISH', null, [int8], int8, 1],
  ['RELU', null, [int8], int8, 2],
  ['RELU_N1_TO_1', null, [int8], int8, 1],
  ['SUM', null, [int8, ints], int8, 2],
];

describe('leastVersion', () => {
  for (const [name, options, inputs, output, version] of cases) {
    const types = inputs.map(({ type, scales }) => `${type}${scales.length > 1 ? '*' : ''}`).join(' ');
    it(`${name} of ${types} is ${version}`, () => {
      assert.equal(leastVersion({ name, inputs, outputs: [output], options }), version);
    });
  }
});

describe('runtimeSince', () => {
  const releases: readonly (readonly [BuiltinName, number, string])[] = [
    ['CONV_2D', 3, '1.14.0'],
    ['FULLY_CONNECTED', 12, '2.17.0'],
    ['TRANSPOSE_CONV', 3, '2.3.0'],
    ['RELU', 2, '2.1.0'],
    ['WHILE', 1, ''],
  ];
  for (const [name, version, expected] of releases) {
    it(`${name} ${version} is ${expected === '' ? 'not known' : `of ${expected}`}`, () => {
      assert.equal(runtimeSince(name, version), expected);
    });
  }

  it('knows a release for every version that is asked for', () => {
    for (const [name, , , , version] of cases) assert.match(runtimeSince(name, version), /^\d+\.\d+\.\d+$/, name);
  });
});

it('isNewerRuntime compares numbers, not text', () => {
  assert.deepEqual(
    [isNewerRuntime('2.10.0', '2.9.0'), isNewerRuntime('1.14.0', '2.1.0'), isNewerRuntime('2.1.0', '2.1.0')],
    [true, false, false],
  );
});
