// What the weights of a convolution or dense layer are multiplied with: rows of inputs, one row for each product that makes one
// output value, drawn from random positions of every photo. Kept is what the fitting of weights needs of them: for few columns
// their mean and covariance, else the rows themselves. Memory does not grow with the number of photos.
import { paddings } from '@atoll/tflite/enums';
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';

/** Columns up to which a covariance is kept; beyond it, rows. */
const maxCovarianceColumns = 1024;
/** Most rows that are kept as such. */
const keptRows = 256;

/** Input rows of one layer: the row of a depthwise convolution falls into a block of columns for each input channel. */
export interface WeightInputs {
  readonly columns: number;
  readonly blocks: readonly InputBlock[];
}

/**
 * Columns that are multiplied with the same weights: the covariance, columns x columns, or the centred rows, `count` values of
 * the first column, then of the second, and so on.
 */
export interface InputBlock {
  readonly means: Float64Array;
  readonly spread:
    | { readonly kind: 'covariance'; readonly matrix: Float32Array }
    | { readonly kind: 'rows'; readonly values: Float32Array; readonly count: number };
}

/** Where an operation finds its rows. */
export interface Window {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernelH: number;
  readonly kernelW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padH: number;
  readonly padW: number;
  readonly outH: number;
  readonly outW: number;
  readonly depthwise: boolean;
}

/** Collects the rows of one layer. */
export class WeightInputCollector {
  readonly #window: Window;
  readonly #blocks: readonly BlockSums[];
  readonly #rowsPerPhoto: number;
  readonly #random: () => number;

  constructor(window: Window, photos: number, random: () => number) {
    const { kernelH, kernelW, channels, depthwise, outH, outW } = window;
    const columns = kernelH * kernelW * (depthwise ? 1 : channels);
    const kept = depthwise ? 300 : drawnRows(columns);
    this.#window = window;
    this.#rowsPerPhoto = Math.min(outH * outW, Math.max(1, Math.ceil(kept / photos)));
    this.#blocks = Array.from({ length: depthwise ? channels : 1 }, () => new BlockSums(columns));
    this.#random = random;
  }

  /** Draws rows from the input of one photo. */
  observe(input: Float32Array): void {
    const { outH, outW } = this.#window;
    for (let count = 0; count < this.#rowsPerPhoto; count++) {
      const at = Math.floor(this.#random() * outH * outW);
      this.#row(input, Math.floor(at / outW), at % outW);
    }
  }

  #row(input: Float32Array, y: number, x: number): void {
    const { height, width, channels, kernelH, kernelW, depthwise } = this.#window;
    const { strideH, strideW, dilationH, dilationW, padH, padW } = this.#window;
    const row = new Float32Array(kernelH * kernelW * channels);
    for (let ky = 0; ky < kernelH; ky++) {
      const iy = y * strideH + ky * dilationH - padH;
      if (iy < 0 || iy >= height) continue;
      for (let kx = 0; kx < kernelW; kx++) {
        const ix = x * strideW + kx * dilationW - padW;
        if (ix < 0 || ix >= width) continue;
        const start = (iy * width + ix) * channels;
        row.set(input.subarray(start, start + channels), (ky * kernelW + kx) * channels);
      }
    }
    if (!depthwise) {
      this.#blocks[0]?.add(row);
      return;
    }
    const taps = kernelH * kernelW;
    this.#blocks.forEach((block, channel) => {
      const own = new Float32Array(taps);
      for (let tap = 0; tap < taps; tap++) own[tap] = row[tap * channels + channel] as number;
      block.add(own);
    });
  }

  /** What was collected. */
  inputs(): WeightInputs {
    const blocks = this.#blocks.map((block) => block.block());
    return { columns: blocks[0]?.means.length ?? 0, blocks };
  }
}

/** Rows over all photos: a covariance costs as many products as rows, times the square of the columns. */
function drawnRows(columns: number): number {
  if (columns > maxCovarianceColumns) return keptRows;
  return columns > 256 ? 600 : 1500;
}

/** Sums of one block. */
class BlockSums {
  readonly #sums: Float64Array;
  readonly #products: Float32Array | null;
  readonly #rows: Float32Array[] = [];
  #count = 0;

  constructor(columns: number) {
    this.#sums = new Float64Array(columns);
    this.#products = columns > maxCovarianceColumns ? null : new Float32Array(columns * columns);
  }

  add(row: Float32Array): void {
    const [sums, products, columns] = [this.#sums, this.#products, row.length];
    this.#count++;
    for (let at = 0; at < columns; at++) sums[at] = (sums[at] as number) + (row[at] as number);
    if (products === null) {
      if (this.#rows.length < keptRows) this.#rows.push(row);
      return;
    }
    for (let i = 0; i < columns; i++) {
      const left = row[i] as number;
      if (left === 0) continue;
      const start = i * columns;
      for (let j = i; j < columns; j++)
        products[start + j] = (products[start + j] as number) + left * (row[j] as number);
    }
  }

  block(): InputBlock {
    const means = this.#sums.map((sum) => sum / Math.max(1, this.#count));
    if (this.#products === null) {
      return { means, spread: { kind: 'rows', values: centredColumns(this.#rows, means), count: this.#rows.length } };
    }
    return { means, spread: { kind: 'covariance', matrix: covariance(this.#products, means, this.#count) } };
  }
}

function centredColumns(rows: readonly Float32Array[], means: Float64Array): Float32Array {
  const count = rows.length;
  const values = new Float32Array(count * means.length);
  rows.forEach((row, at) => {
    for (let column = 0; column < means.length; column++) {
      values[column * count + at] = (row[column] as number) - (means[column] as number);
    }
  });
  return values;
}

/** From the upper half of the sums of products to the whole matrix of covariances. */
function covariance(products: Float32Array, means: Float64Array, count: number): Float32Array {
  const columns = means.length;
  const matrix = new Float32Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = i; j < columns; j++) {
      const value =
        (products[i * columns + j] as number) / Math.max(1, count) - (means[i] as number) * (means[j] as number);
      matrix[i * columns + j] = value;
      matrix[j * columns + i] = value;
    }
  }
  return matrix;
}

/** The value that an operation multiplies with its weights, and the window; null where its weights are not fitted. */
export function windowOf(graph: Graph, op: Op): { readonly input: number; readonly window: Window } | null {
  const row = opTable[op.kind];
  const weights = graph.values[op.inputs[row?.weights?.weights ?? -1] ?? -1];
  if (row === undefined || floatData(weights) === null || weights === undefined) return null;
  const input = op.inputs[row.data] ?? -1;
  const value = valueAt(graph, input);
  const { options } = op;
  const [, height = 1, width = 1, channels = 1] = value.shape;
  const [, kernelH = 1, kernelW = 1, depth = 1] = weights.shape;
  if (op.kind === 'FULLY_CONNECTED') {
    const columns = kernelH;
    const rows = elementCount(value.shape) / columns;
    return { input, window: { ...single, width: rows, channels: columns, outW: rows } };
  }
  if (op.kind === 'TRANSPOSE_CONV') {
    return { input, window: { ...single, height, width, channels, outH: height, outW: width } };
  }
  if (options?.type !== 'Conv2DOptions' && options?.type !== 'DepthwiseConv2DOptions') return null;
  const depthwise = options.type === 'DepthwiseConv2DOptions';
  if (!depthwise && depth !== channels) return null;
  const [, outH = 1, outW = 1] = valueAt(graph, op.outputs[0] ?? -1).shape;
  const { strideH, strideW, dilationH, dilationW } = options;
  const pad = (size: number, out: number, kernel: number, stride: number, dilation: number): number =>
    options.padding === paddings.SAME ? Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) >> 1 : 0;
  const padH = pad(height, outH, kernelH, strideH, dilationH);
  const padW = pad(width, outW, kernelW, strideW, dilationW);
  const size = { height, width, channels, kernelH, kernelW, outH, outW };
  return { input, window: { ...size, strideH, strideW, dilationH, dilationW, padH, padW, depthwise } };
}

/** A window of one position over one position. */
const single: Window = {
  height: 1,
  width: 1,
  channels: 1,
  kernelH: 1,
  kernelW: 1,
  strideH: 1,
  strideW: 1,
  dilationH: 1,
  dilationW: 1,
  padH: 0,
  padW: 0,
  outH: 1,
  outW: 1,
  depthwise: false,
};
