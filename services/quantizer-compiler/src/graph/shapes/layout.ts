// Operations that move elements or repeat them. Source: reshape.cc, squeeze.cc, expand_dims.cc, transpose.cc, pad.cc,
// mirror_pad.cc, tile.cc, space_to_depth.cc, depth_to_space.cc and resize_bilinear.cc of TFLite's kernels.
import { elementCount } from '../graph.js';
import type { ShapedOp, ShapeRule } from './shape-rule.js';
import { axisIn, fourDimensions, inputAt, integersAt, optionsOf, positive, shapeFault } from './shape-rule.js';

/** RESHAPE: to the second operand, else the option; one size may be -1. */
export const reshaped: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const wanted = inputs.length > 1 ? integersAt(op, inputs, 1) : [...optionsOf(op, 'ReshapeOptions').newShape];
  if (wanted === null) return null;
  const count = elementCount(shape);
  const known = elementCount(wanted.filter((size) => size !== -1));
  const open = wanted.filter((size) => size === -1).length;
  const rest = open === 0 ? 1 : count / known;
  if (open > 1 || wanted.some((size) => size < -1 || size === 0) || known * rest !== count || !Number.isInteger(rest)) {
    throw shapeFault(op, `[${shape.join(', ')}] has not as many elements as [${wanted.join(', ')}]`);
  }
  return [wanted.map((size) => (size === -1 ? rest : size))];
};

/** SQUEEZE: the named axes of size 1 go, all of them where none is named. */
export const squeezed: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const named = optionsOf(op, 'SqueezeOptions').squeezeDims;
  const axes = new Set(named.map((axis) => axisIn(op, axis, shape.length)));
  for (const axis of axes) {
    if (shape[axis] !== 1) throw shapeFault(op, `axis ${axis} of [${shape.join(', ')}] is not 1`);
  }
  return [shape.filter((size, axis) => (named.length === 0 ? size !== 1 : !axes.has(axis)))];
};

/** EXPAND_DIMS: a new axis of size 1. */
export const expanded: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const axes = integersAt(op, inputs, 1);
  if (axes === null) return null;
  return [shape.toSpliced(axisIn(op, axes[0] ?? Number.NaN, shape.length + 1), 0, 1)];
};

/** TRANSPOSE: the axes in the order of the second operand. */
export const transposed: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const order = integersAt(op, inputs, 1)?.map((axis) => axisIn(op, axis, shape.length));
  if (order === undefined) return null;
  if (order.length !== shape.length || new Set(order).size !== shape.length) {
    throw shapeFault(op, `[${order.join(', ')}] is no order of ${shape.length} dimensions`);
  }
  return [order.map((axis) => shape[axis] ?? 0)];
};

/** PAD, PADV2 and MIRROR_PAD: margins [rank, 2] before and after each axis. */
export const padded: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const margins = integersAt(op, inputs, 1);
  if (margins === null) return null;
  if (margins.length !== 2 * shape.length || margins.some((margin) => margin < 0)) {
    throw shapeFault(op, `margins [${margins.join(', ')}] do not fit [${shape.join(', ')}]`);
  }
  const mirrored = op.options?.type === 'MirrorPadOptions' ? op.options : null;
  return [
    shape.map((size, axis) => {
      const [before = 0, after = 0] = margins.slice(2 * axis, 2 * axis + 2);
      // REFLECT (0) leaves the border out, SYMMETRIC (1) repeats it.
      if (mirrored !== null && Math.max(before, after) > size - (mirrored.mode === 0 ? 1 : 0)) {
        throw shapeFault(op, `margins ${before} and ${after} are wider than what they mirror: ${size}`);
      }
      return before + size + after;
    }),
  ];
};

/** TILE: each axis repeated as often as the second operand says. */
export const tiled: ShapeRule = (op, inputs) => {
  const { shape } = inputAt(op, inputs, 0);
  const times = integersAt(op, inputs, 1);
  if (times === null) return null;
  if (times.length !== shape.length || times.some((time) => time < 1)) {
    throw shapeFault(op, `[${times.join(', ')}] repetitions do not fit [${shape.join(', ')}]`);
  }
  return [shape.map((size, axis) => size * (times[axis] ?? 0))];
};

/** SPACE_TO_DEPTH: blocks become channels. */
export const spaceToDepth: ShapeRule = (op, inputs) => {
  const [batch, height, width, channels] = fourDimensions(op, inputAt(op, inputs, 0));
  const block = positive(op, 'block', optionsOf(op, 'SpaceToDepthOptions').blockSize);
  if (height % block !== 0 || width % block !== 0) throw shapeFault(op, `${height}x${width} has no blocks of ${block}`);
  return [[batch, height / block, width / block, channels * block * block]];
};

/** DEPTH_TO_SPACE: channels become blocks. */
export const depthToSpace: ShapeRule = (op, inputs) => {
  const [batch, height, width, channels] = fourDimensions(op, inputAt(op, inputs, 0));
  const block = positive(op, 'block', optionsOf(op, 'DepthToSpaceOptions').blockSize);
  if (channels % (block * block) !== 0) throw shapeFault(op, `${channels} channels are no blocks of ${block}`);
  return [[batch, height * block, width * block, channels / (block * block)]];
};

/** SPACE_TO_BATCH_ND: margins [blocks, 2] around the axes after the batch, then blocks become batches. */
export const spaceToBatch: ShapeRule = (op, inputs) => {
  const blocks = blocksOf(op, inputs);
  return blocks === null
    ? null
    : [
        blocks.shape.map((size, axis) => {
          if (axis === 0) return size * elementCount(blocks.sizes);
          const [block, before, after] = blocks.at(axis);
          const padded = size + before + after;
          if (padded % block !== 0) throw shapeFault(op, `${padded} has no blocks of ${block}`);
          return padded / block;
        }),
      ];
};

/** BATCH_TO_SPACE_ND: the way back; the margins are cut off. */
export const batchToSpace: ShapeRule = (op, inputs) => {
  const blocks = blocksOf(op, inputs);
  return blocks === null
    ? null
    : [
        blocks.shape.map((size, axis) => {
          const [block, before, after] = blocks.at(axis);
          if (axis > 0) return size * block - before - after;
          const batches = size / elementCount(blocks.sizes);
          if (!Number.isInteger(batches)) throw shapeFault(op, `${size} batches are no blocks`);
          return batches;
        }),
      ];
};

function blocksOf(op: ShapedOp, inputs: Parameters<ShapeRule>[1]) {
  const { shape } = inputAt(op, inputs, 0);
  const [sizes, margins] = [integersAt(op, inputs, 1), integersAt(op, inputs, 2)];
  if (sizes === null || margins === null) return null;
  if (sizes.length >= shape.length || margins.length !== 2 * sizes.length || margins.some((margin) => margin < 0)) {
    throw shapeFault(op, `blocks [${sizes.join(', ')}] with margins [${margins.join(', ')}] do not fit`);
  }
  for (const size of sizes) positive(op, 'block', size);
  const at = (axis: number): readonly [block: number, before: number, after: number] => [
    sizes[axis - 1] ?? 1,
    margins[2 * axis - 2] ?? 0,
    margins[2 * axis - 1] ?? 0,
  ];
  return { shape, sizes, at };
}

/** RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: height and width are the second operand. */
export const resized: ShapeRule = (op, inputs) => {
  const [batch, , , channels] = fourDimensions(op, inputAt(op, inputs, 0));
  const size = integersAt(op, inputs, 1);
  if (size === null) return null;
  const [height = 0, width = 0] = size;
  if (size.length !== 2) throw shapeFault(op, `[${size.join(', ')}] is no height and width`);
  return [[batch, positive(op, 'height', height), positive(op, 'width', width), channels]];
};
