// Pools. A global maximum is one window over everything: int8 takes it with any runtime, unlike REDUCE_MAX.
import type { BuiltinName } from '@atoll/tflite/ops';
import { paddings } from '@atoll/tflite/enums';
import type { LayerOps } from '../layer-ops.js';
import { notFused } from './activations.js';
import { samePadding } from './convolutions.js';
import { expectRank } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

type PoolKind = Extract<BuiltinName, 'MAX_POOL_2D' | 'AVERAGE_POOL_2D'>;
type Size = readonly [height: number, width: number];

function pool(kind: PoolKind, input: number, padding: number, filter: Size, strides: Size, ops: LayerOps): number {
  return ops.add(kind, [input], {
    type: 'Pool2DOptions',
    padding,
    strideH: strides[0],
    strideW: strides[1],
    filterHeight: filter[0],
    filterWidth: filter[1],
    activation: notFused,
  });
}

const pool2d =
  (kind: PoolKind): LayerImporter =>
  (layer, [input], ops) => {
    expectRank(4, ops.shape(input), layer);
    const size = layer.pair('pool_size', [2, 2]);
    return pool(kind, input, samePadding(layer), size, layer.pair('strides', size), ops);
  };

const pool1d =
  (kind: PoolKind): LayerImporter =>
  (layer, [input], ops) => {
    expectRank(3, ops.shape(input), layer);
    const [, steps = 1, channels = 1] = ops.shape(input);
    const size = layer.single('pool_size', 2);
    const stride = layer.single('strides', size);
    const picture = ops.reshape(input, [1, 1, steps, channels], 'picture');
    const output = pool(kind, picture, samePadding(layer), [1, size], [stride, stride], ops);
    return ops.reshape(output, [1, ops.shape(output)[2] ?? 1, channels], 'sequence');
  };

const globalAverage =
  (rank: number): LayerImporter =>
  (layer, [input], ops) => {
    expectRank(rank, ops.shape(input), layer);
    const axes = ops.ints('axes', rank === 4 ? [1, 2] : [1]);
    return ops.add('MEAN', [input, axes], { type: 'ReducerOptions', keepDims: layer.flag('keepdims') });
  };

const globalMax =
  (rank: number): LayerImporter =>
  (layer, [input], ops) => {
    const shape = ops.shape(input);
    expectRank(rank, shape, layer);
    const [height, width, channels] =
      rank === 4 ? [shape[1] ?? 1, shape[2] ?? 1, shape[3] ?? 1] : [1, shape[1] ?? 1, shape[2] ?? 1];
    const picture = ops.reshape(input, [1, height, width, channels], 'picture');
    const output = pool('MAX_POOL_2D', picture, paddings.VALID, [height, width], [height, width], ops);
    const kept = rank === 4 ? [1, 1, 1, channels] : [1, 1, channels];
    return ops.reshape(output, layer.flag('keepdims') ? kept : [1, channels]);
  };

/** Pools of pictures and sequences. */
export const poolingLayers: ImporterTable = {
  MaxPooling2D: pool2d('MAX_POOL_2D'),
  AveragePooling2D: pool2d('AVERAGE_POOL_2D'),
  MaxPooling1D: pool1d('MAX_POOL_2D'),
  AveragePooling1D: pool1d('AVERAGE_POOL_2D'),
  GlobalAveragePooling2D: globalAverage(4),
  GlobalAveragePooling1D: globalAverage(3),
  GlobalMaxPooling2D: globalMax(4),
  GlobalMaxPooling1D: globalMax(3),
};
