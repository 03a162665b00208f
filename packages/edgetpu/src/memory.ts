// How much of the Edge TPU's memory the parameters of mapped operators take. A curve fitted to compiled models, not the
// compiler's own rule: within 10 % from about 100 KB up, too low for toys, where constants dominate.
import { tensorSizeBytes } from '@atoll/tflite/enums';
import { flowing } from './op-view.js';
import type { OpView } from './op-view.js';

/** Up to here parameters were cached in every model seen, in bytes. */
export const surelyCachedBytes = 6.5 * 1024 * 1024;

/** What is on the chip for parameters when activations need little, in bytes; two real models left only a quarter of it. */
export const cacheBytes = 8 * 1024 * 1024;

/** An operator whose input and output together exceed this may not compile at all ("large activation tensors"), in bytes. */
export const largeActivationBytes = 4 * 1024 * 1024;

/** An estimate with the bounds between which the compiled file was found to lie. */
export interface ByteEstimate {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** Parameter bytes of all mapped operators: within 10 %, and for small models within the constants that no weight explains. */
export function totalParameterBytes(mapped: readonly OpView[]): ByteEstimate {
  const estimate = mapped.reduce((sum, op) => sum + parameterBytes(op), 0);
  return { estimate, low: Math.max(0, Math.floor(0.9 * estimate) - 2048), high: Math.ceil(1.1 * estimate) + 32_768 };
}

/** Bytes of an operator's input and output together, each as large as its shape and type say. */
export function activationBytes(op: OpView): number {
  return flowing(op).reduce((sum, { tensor }) => sum + (tensorSizeBytes(tensor.type, tensor.shape) ?? 0), 0);
}

/** Parameter bytes on the Edge TPU of one mapped operator: weights padded to the array, and requantization data per output. */
export function parameterBytes(op: OpView): number {
  const weights = op.inputs[1];
  if (op.name === 'UNIDIRECTIONAL_SEQUENCE_LSTM') {
    const matrices = op.inputs.filter((input) => input !== null && input.constant && input.tensor.type !== 'int32');
    return matrices.reduce((sum, matrix) => sum + (matrix === null ? 0 : denseBytes(matrix.tensor.shape)), 0);
  }
  if (weights === null || weights === undefined || !weights.constant) return 0;
  switch (op.name) {
    case 'FULLY_CONNECTED':
      return denseBytes(weights.tensor.shape);
    case 'CONV_2D':
    case 'TRANSPOSE_CONV': {
      const [out = 1, height = 1, width = 1, channels = 1] = weights.tensor.shape;
      return roundUp(out, 16) * height * width * roundUp(channels, 32) + roundUp(16 * out, 64) + 512;
    }
    case 'DEPTHWISE_CONV_2D': {
      const [, height = 1, width = 1, channels = 1] = weights.tensor.shape;
      return roundUp(height * width, 16) * roundUp(channels, 64) + roundUp(16 * channels, 64) + 512;
    }
    default:
      return 0;
  }
}

function denseBytes([out = 1, input = 1]: readonly number[]): number {
  return roundUp(out, 16) * input + roundUp(8 * out, 64);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
