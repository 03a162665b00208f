// Layers that only move elements: shapes, orders, borders, sizes.
import { elementCount } from '../../graph/graph.js';
import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';
import { list, quoted } from '../topology-json.js';
import { expectRank } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

const flatten: LayerImporter = (_layer, [input], ops) => ops.reshape(input, [1, elementCount(ops.shape(input))]);

const reshape: LayerImporter = (layer, [input], ops) => {
  const target = list(layer.setting('target_shape')) ?? [];
  return ops.reshape(input, shapeFor(target, ops.shape(input), layer));
};

/** [1, ...target], with at most one -1 that takes what is left. */
function shapeFor(target: readonly unknown[], from: readonly number[], layer: LayerSettings): readonly number[] {
  const sizes = target.filter((size): size is number => Number.isInteger(size) && (size === -1 || Number(size) > 0));
  const known = elementCount(sizes.filter((size) => size !== -1));
  const open = sizes.filter((size) => size === -1).length;
  const shape = [1, ...sizes.map((size) => (size === -1 ? elementCount(from) / known : size))];
  const fits =
    sizes.length === target.length &&
    open <= 1 &&
    shape.every(Number.isInteger) &&
    elementCount(shape) === elementCount(from);
  if (!fits) throw layer.fault(`cannot make ${quoted(target)} of a value of shape [${from.join(', ')}]`);
  return shape;
}

const permute: LayerImporter = (layer, [input], ops) =>
  transposed(input, [0, ...order(layer, ops.shape(input).length)], ops);

function order(layer: LayerSettings, rank: number): readonly number[] {
  const dims = list(layer.setting('dims')) ?? [];
  const good = dims.length === rank - 1 && dims.every((dim) => typeof dim === 'number');
  if (!good) throw layer.fault(`has dims ${quoted(layer.setting('dims'))} for a value of ${rank} dimensions`);
  return dims as readonly number[];
}

/** The axes in another order; the value itself when the order is the same. */
export function transposed(input: number, axes: readonly number[], ops: LayerOps): number {
  if (axes.every((axis, index) => axis === index)) return input;
  return ops.add('TRANSPOSE', [input, ops.ints('order', axes)], { type: 'TransposeOptions' });
}

const repeatVector: LayerImporter = (layer, [input], ops) => {
  expectRank(2, ops.shape(input), layer);
  const row = ops.reshape(input, [1, 1, ops.shape(input)[1] ?? 1]);
  return ops.add('TILE', [row, ops.ints('times', [1, layer.size('n'), 1])], { type: 'TileOptions' });
};

/** Margins of a picture, [[top, bottom], [left, right]], given as one number, two, or two pairs. */
function margins(layer: LayerSettings, key: string): readonly [number, number, number, number] {
  const value = layer.setting(key) ?? 1;
  const [vertical, horizontal] = list(value) ?? [value, value];
  const sizes = [vertical, horizontal].flatMap((one) => list(one) ?? [one, one]);
  const [top, bottom, left, right, more] = sizes;
  if ([top, bottom, left, right].every(isMargin) && more === undefined)
    return [top, bottom, left, right] as [number, number, number, number];
  throw layer.fault(`has ${key} ${quoted(value)}, not margins`);
}

/** Margins of a sequence, given as one number or two. */
function ends(layer: LayerSettings, key: string): readonly [number, number] {
  const value = layer.setting(key) ?? 1;
  const [before, after, more] = list(value) ?? [value, value];
  if (isMargin(before) && isMargin(after) && more === undefined) return [before, after];
  throw layer.fault(`has ${key} ${quoted(value)}, not two margins`);
}

function isMargin(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

function padded(input: number, sizes: readonly number[], ops: LayerOps): number {
  if (sizes.every((size) => size === 0)) return input;
  return ops.add('PAD', [input, ops.ints('margins', sizes, [sizes.length / 2, 2])], { type: 'PadOptions' });
}

const zeroPadding2d: LayerImporter = (layer, [input], ops) => {
  expectRank(4, ops.shape(input), layer);
  return padded(input, [0, 0, ...margins(layer, 'padding'), 0, 0], ops);
};

const zeroPadding1d: LayerImporter = (layer, [input], ops) => {
  expectRank(3, ops.shape(input), layer);
  return padded(input, [0, 0, ...ends(layer, 'padding'), 0, 0], ops);
};

const cropping2d: LayerImporter = (layer, [input], ops) => {
  expectRank(4, ops.shape(input), layer);
  const [top, bottom, left, right] = margins(layer, 'cropping');
  const [, height = 1, width = 1, channels = 1] = ops.shape(input);
  return sliced(input, [0, top, left, 0], [1, height - top - bottom, width - left - right, channels], layer, ops);
};

const cropping1d: LayerImporter = (layer, [input], ops) => {
  expectRank(3, ops.shape(input), layer);
  const [before, after] = ends(layer, 'cropping');
  const [, steps = 1, channels = 1] = ops.shape(input);
  return sliced(input, [0, before, 0], [1, steps - before - after, channels], layer, ops);
};

/** The part of a value that begins at `begin` and has the shape `size`. */
export function sliced(
  input: number,
  begin: readonly number[],
  size: readonly number[],
  layer: LayerSettings,
  ops: LayerOps,
): number {
  if (size.join() === ops.shape(input).join()) return input;
  layer.refuseUnless(
    size.every((one) => one > 0),
    `leaves nothing of a value of shape [${ops.shape(input).join(', ')}]`,
  );
  return ops.add('SLICE', [input, ops.ints('begin', begin), ops.ints('size', size)], { type: 'SliceOptions' });
}

const upSampling2d: LayerImporter = (layer, [input], ops) => {
  expectRank(4, ops.shape(input), layer);
  const [high, wide] = layer.pair('size', [2, 2]);
  const [, height = 1, width = 1] = ops.shape(input);
  const how = layer.word('interpolation', 'nearest', ['nearest', 'bilinear']);
  return resized(input, [height * high, width * wide], how, layer, ops);
};

const upSampling1d: LayerImporter = (layer, [input], ops) => {
  expectRank(3, ops.shape(input), layer);
  const [, steps = 1, channels = 1] = ops.shape(input);
  const picture = ops.reshape(input, [1, steps, 1, channels], 'picture');
  const grown = resized(picture, [steps * layer.size('size', 2), 1], 'nearest', layer, ops);
  return ops.reshape(grown, [1, ops.shape(grown)[1] ?? 1, channels]);
};

const resizing: LayerImporter = (layer, [input], ops) => {
  expectRank(4, ops.shape(input), layer);
  for (const key of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias']) {
    layer.refuseUnless(!layer.flag(key), `has ${key}; plain resizing is supported`);
  }
  const how = layer.word('interpolation', 'bilinear', ['bilinear', 'nearest']);
  return resized(input, [layer.size('height'), layer.size('width')], how, layer, ops);
};

/**
 * Pictures in another size, pixels being squares whose centres are at 0.5. Where a size is a multiple, the nearest pixel is the
 * same counted from the corners, which an older and more widely known version of the operation does.
 */
export function resized(
  input: number,
  size: readonly [number, number],
  how: 'nearest' | 'bilinear',
  layer: LayerSettings,
  ops: LayerOps,
): number {
  const [, height = 1, width = 1] = ops.shape(input);
  if (size[0] === height && size[1] === width) return input;
  layer.refuseUnless(Math.max(...size) < 2 ** 31, `makes a picture of ${size.join('x')}`);
  const target = ops.ints('size', size);
  const flags = { alignCorners: false, halfPixelCenters: true };
  if (how === 'bilinear') {
    return ops.add('RESIZE_BILINEAR', [input, target], {
      type: 'ResizeBilinearOptions',
      newHeight: 0,
      newWidth: 0,
      ...flags,
    });
  }
  const whole = size[0] % height === 0 && size[1] % width === 0;
  return ops.add('RESIZE_NEAREST_NEIGHBOR', [input, target], {
    type: 'ResizeNearestNeighborOptions',
    ...flags,
    halfPixelCenters: !whole,
  });
}

/** Layers that move elements. */
export const shapingLayers: ImporterTable = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeatVector,
  ZeroPadding2D: zeroPadding2d,
  ZeroPadding1D: zeroPadding1d,
  Cropping2D: cropping2d,
  Cropping1D: cropping1d,
  UpSampling2D: upSampling2d,
  UpSampling1D: upSampling1d,
  Resizing: resizing,
};
