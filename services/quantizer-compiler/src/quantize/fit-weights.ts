// Rounds weights so that the layer's output changes least, rather than each weight. With d = q - w / scale and C the covariance of
// the layer's inputs, the error of an output channel has the variance scale^2 * d' C d. Inputs of a convolution are neighbours
// and alike, so the error of one weight can be taken back by others. Weight by weight, q becomes the step nearest to where the
// error of all so far is least; a second sweep goes over all again. The mean of the error goes into the bias.
// A ridge on d keeps near plain rounding what the rows cannot tell.
// Sources: Frantar et al., "GPTQ" (arXiv 2210.17323); Lybrand and Saab, "A greedy algorithm for quantizing neural networks"
// (arXiv 2010.15979).
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import type { InputBlock, WeightInputs } from '../calibrate/weight-inputs.js';

const weightMax = 127;
const sweeps = 2;
/** Where there are more columns than a covariance is kept of, a second sweep costs more than it gives. */
const sweepsOverRows = 1;
/** Part of the mean variance of the inputs that is added to each. */
const ridge = 0.03;
/** Where plain rounding errs less than this, relative to the output's variance, fitting has nothing to win: 55 dB. */
const negligible = 10 ** -5.5;
/** Rows of weights by which that is told. */
const probedRows = 8;

/**
 * The graph with its weights on steps of their scales, where that gains something, and biases that take back the mean error. `inputs` are those of each layer
 * by the name of its output; layers that are not in it stay as they are. Rounding the result again changes nothing.
 */
export function fitWeights(graph: Graph, inputs: ReadonlyMap<string, WeightInputs>): Graph {
  const values = [...graph.values];
  for (const op of graph.ops) {
    const rule = opTable[op.kind]?.weights;
    const seen = inputs.get(graph.values[op.outputs[0] ?? -1]?.name ?? '');
    const weightIndex = op.inputs[rule?.weights ?? -1] ?? -1;
    const biasIndex = op.inputs[rule?.bias ?? -1] ?? -1;
    const weights = floatData(values[weightIndex]);
    const bias = floatData(values[biasIndex]);
    if (seen === undefined || weights === null || bias === null) continue;
    const layer = layerOf(op, weights, bias, seen);
    const fitted = fitLayer(layer);
    values[weightIndex] = { ...valueAt(graph, weightIndex), data: fitted.weights };
    values[biasIndex] = { ...valueAt(graph, biasIndex), data: fitted.bias };
  }
  return { ...graph, values };
}

/** Rows of weights: a row is multiplied with one row of inputs. */
interface Layer {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** Elements of a row stand this far apart: a depthwise kernel has its channels last. */
  readonly step: number;
  readonly scales: Float64Array;
  readonly blocks: readonly InputBlock[];
  /** Share of the rows of a channel that meet in one output value: fewer than all where a transposed convolution strides. */
  readonly overlap: number;
}

function layerOf(op: Op, weights: Float32Array, bias: Float32Array, { columns, blocks }: WeightInputs): Layer {
  const rows = weights.length / columns;
  const depthwise = op.kind === 'DEPTHWISE_CONV_2D';
  const step = depthwise ? rows : 1;
  const strides = op.options?.type === 'TransposeConvOptions' ? op.options.strideH * op.options.strideW : 1;
  const layer = { weights, bias, rows, columns, step, blocks, overlap: 1 / strides, scales: new Float64Array(rows) };
  const perScale = opTable[op.kind]?.weights?.perChannel === null ? rows : rows / bias.length;
  for (let first = 0; first < rows; first += perScale) {
    let peak = 0;
    for (let row = first; row < first + perScale; row++) {
      for (const weight of rowOf(layer, row)) peak = Math.max(peak, Math.abs(weight));
    }
    layer.scales.fill(Math.fround(peak / weightMax), first, first + perScale);
  }
  return layer;
}

function rowOf({ weights, columns, step }: Pick<Layer, 'weights' | 'columns' | 'step'>, row: number): Float64Array {
  const result = new Float64Array(columns);
  const start = step === 1 ? row * columns : row;
  for (let at = 0; at < columns; at++) result[at] = weights[start + at * step] as number;
  return result;
}

function fitLayer(layer: Layer): { readonly weights: Float32Array; readonly bias: Float32Array } {
  const { rows, columns, step, scales, blocks, bias, overlap } = layer;
  const fits = !isNegligible(layer);
  // A large layer that is not fitted is not copied.
  const weights = fits ? layer.weights.slice() : layer.weights;
  const shifted = bias.slice();
  for (let row = 0; row < rows; row++) {
    const block = blocks[Math.floor((row * blocks.length) / rows)];
    const scale = scales[row] as number;
    if (block === undefined || scale === 0) continue;
    const exact = rowOf(layer, row).map((weight) => weight / scale);
    const q = fits ? fitRow(exact, block) : exact.map(Math.round);
    const start = step === 1 ? row * columns : row;
    let shift = 0;
    for (let at = 0; at < columns; at++) {
      if (fits) weights[start + at * step] = (q[at] as number) * scale;
      shift += ((q[at] as number) - (exact[at] as number)) * scale * (block.means[at] as number);
    }
    const channel = Math.floor((row * bias.length) / rows);
    shifted[channel] = (shifted[channel] as number) - shift * overlap;
  }
  return { weights, bias: shifted };
}

/** Whether plain rounding of some rows errs too little to matter. */
function isNegligible(layer: Layer): boolean {
  const { rows, scales, blocks } = layer;
  let [error, signal] = [0, 0];
  for (let probe = 0; probe < Math.min(rows, probedRows); probe++) {
    const row = Math.floor((probe * rows) / Math.min(rows, probedRows));
    const block = blocks[Math.floor((row * blocks.length) / rows)];
    const scale = scales[row] as number;
    if (block === undefined || scale === 0) continue;
    const exact = rowOf(layer, row).map((weight) => weight / scale);
    error +=
      scale ** 2 *
      variance(
        exact.map((one) => Math.round(one) - one),
        block,
      );
    signal += scale ** 2 * variance(exact, block);
  }
  return error <= negligible * signal;
}

/** The variance of the product of a row of weights with the rows of inputs. */
function variance(weights: Float64Array, { spread, means }: InputBlock): number {
  const columns = means.length;
  let sum = 0;
  if (spread.kind === 'covariance') {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        sum += (weights[i] as number) * (weights[j] as number) * (spread.matrix[i * columns + j] as number);
      }
    }
    return sum;
  }
  const { values, count } = spread;
  const product = new Float64Array(count);
  for (let at = 0; at < columns; at++) addColumn(product, values, at, weights[at] as number);
  for (const one of product) sum += one * one;
  return sum / Math.max(1, count);
}

/** The steps of one row of weights, which is given in steps, for inputs with this covariance or these rows. */
export function fitRow(exact: Float64Array, block: InputBlock): Float64Array {
  const { spread } = block;
  return spread.kind === 'covariance'
    ? fitByCovariance(exact, spread.matrix)
    : fitByRows(exact, spread.values, spread.count);
}

function fitByCovariance(exact: Float64Array, matrix: Float32Array): Float64Array {
  const columns = exact.length;
  const q = new Float64Array(columns);
  const d = new Float64Array(columns);
  // pull[j] is the sum over k of C[j][k] * d[k].
  const pull = new Float64Array(columns);
  let trace = 0;
  for (let at = 0; at < columns; at++) trace += matrix[at * columns + at] as number;
  const extra = (ridge * trace) / columns + Number.MIN_VALUE;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let at = 0; at < columns; at++) {
      const target = exact[at] as number;
      const own = matrix[at * columns + at] as number;
      const before = d[at] as number;
      const next = stepNear(target, target - ((pull[at] as number) - own * before) / (own + extra));
      const change = next - target - before;
      q[at] = next;
      if (change === 0) continue;
      d[at] = next - target;
      const start = at * columns;
      for (let k = 0; k < columns; k++) pull[k] = (pull[k] as number) + change * (matrix[start + k] as number);
    }
  }
  return q;
}

function fitByRows(exact: Float64Array, values: Float32Array, count: number): Float64Array {
  const columns = exact.length;
  const q = new Float64Array(columns);
  const d = new Float64Array(columns);
  const error = new Float64Array(count);
  const own = new Float64Array(columns);
  let trace = 0;
  for (let at = 0; at < columns; at++) {
    let sum = 0;
    for (let row = at * count; row < (at + 1) * count; row++) sum += (values[row] as number) ** 2;
    own[at] = sum;
    trace += sum;
  }
  const extra = (ridge * trace) / columns + Number.MIN_VALUE;
  for (let sweep = 0; sweep < sweepsOverRows; sweep++) {
    for (let at = 0; at < columns; at++) {
      const target = exact[at] as number;
      // What is always the same moves nothing but the mean.
      if (own[at] === 0) {
        q[at] = stepNear(target, target);
        continue;
      }
      const pull = productOf(error, values, at * count);
      const before = d[at] as number;
      const next = stepNear(target, target - (pull - (own[at] as number) * before) / ((own[at] as number) + extra));
      q[at] = next;
      d[at] = next - target;
      addColumn(error, values, at, next - target - before);
    }
  }
  return q;
}

/** The sum of products with a column that begins at `start`; four sums at once do not wait for one another. */
function productOf(error: Float64Array, values: Float32Array, start: number): number {
  const count = error.length;
  const whole = count - (count % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let row = 0; row < whole; row += 4) {
    const at = start + row;
    a += (error[row] as number) * (values[at] as number);
    b += (error[row + 1] as number) * (values[at + 1] as number);
    c += (error[row + 2] as number) * (values[at + 2] as number);
    d += (error[row + 3] as number) * (values[at + 3] as number);
  }
  for (let row = whole; row < count; row++) a += (error[row] as number) * (values[start + row] as number);
  return a + b + c + d;
}

function addColumn(sum: Float64Array, values: Float32Array, column: number, factor: number): void {
  const count = sum.length;
  const start = column * count;
  if (factor === 0) return;
  for (let row = 0; row < count; row++) sum[row] = (sum[row] as number) + factor * (values[start + row] as number);
}

/** The whole step near `wanted`; a weight at the end of the scale stays there, since the scale is read from it. */
function stepNear(exact: number, wanted: number): number {
  if (Math.abs(exact) > weightMax - 1e-3) return Math.sign(exact) * weightMax;
  return Math.min(weightMax, Math.max(-weightMax, Math.round(wanted)));
}
