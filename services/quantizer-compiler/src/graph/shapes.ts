// Output shapes of operations, from their inputs and options. Source: shape functions of TFLite's kernels.
import { paddings } from '@atoll/tflite/enums';
import type { Op, Value } from './graph.js';
import { elementCount } from './graph.js';

/** The shape that an operation must make, or null where any shape of its output is taken as it is. */
export function outputShape(op: Pick<Op, 'kind' | 'options'>, inputs: readonly Value[]): readonly number[] | null {
  const [input, second] = inputs;
  const { options } = op;
  if (input === undefined) return null;
  const [batch = 1, height = 1, width = 1, channels = 1] = input.shape;
  if (options?.type === 'Conv2DOptions' || options?.type === 'DepthwiseConv2DOptions') {
    const [out = 1, kernelHeight = 1, kernelWidth = 1, depth = 1] = second?.shape ?? [];
    const { padding, strideH, strideW, dilationH, dilationW } = options;
    return [
      batch,
      slide(height, (kernelHeight - 1) * dilationH + 1, strideH, padding),
      slide(width, (kernelWidth - 1) * dilationW + 1, strideW, padding),
      options.type === 'Conv2DOptions' ? out : depth,
    ];
  }
  if (options?.type === 'Pool2DOptions') {
    const { padding, strideH, strideW, filterHeight, filterWidth } = options;
    return [
      batch,
      slide(height, filterHeight, strideH, padding),
      slide(width, filterWidth, strideW, padding),
      channels,
    ];
  }
  if (options?.type === 'FullyConnectedOptions') {
    const [out = 1, depth = 1] = second?.shape ?? [];
    return [elementCount(input.shape) / depth, out];
  }
  if (elementwise.has(op.kind)) return broadcast(input.shape, second?.shape ?? []);
  return shapeKeeping.has(op.kind) ? input.shape : null;
}

const elementwise: ReadonlySet<string> = new Set(['ADD', 'SUB', 'MUL']);
const shapeKeeping: ReadonlySet<string> = new Set([
  'RELU',
  'RELU6',
  'SOFTMAX',
  'LOGISTIC',
  'TANH',
  'QUANTIZE',
  'DEQUANTIZE',
]);

/** Positions of a window of `kernel` steps (dilated size) moved by `stride` over `size`. */
function slide(size: number, kernel: number, stride: number, padding: number): number {
  return padding === paddings.SAME ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
}

/** The common shape of two that differ only where one is 1 or missing; null when there is none. */
function broadcast(a: readonly number[], b: readonly number[]): readonly number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return null;
    shape.push(Math.max(left, right));
  }
  return shape;
}
