// Weights and bias of a convolution or dense layer. Weights are symmetric int8 in [-127, 127], per output channel or with one
// scale; bias is int32 with scale input * weight. Source: quantization_spec.md; the guard against bias overflow follows
// SetBiasParamsWithAdjustments of TFLite's converter.
import type { QuantParams } from '../graph/graph.js';
import { roundHalfAway } from './params.js';

/** The quantized pair. */
export interface QuantizedWeights {
  readonly weights: Int8Array;
  readonly weightParams: QuantParams;
  readonly bias: Int32Array;
  readonly biasParams: QuantParams;
  /** Channels whose scale the guard had to raise. */
  readonly adjusted: number;
}

const weightMax = 127;
/** Half of a range that is too small to be told from 0; see activationParams. */
const leastWeight = 0.5e-6;
/** A bias beyond this leaves no room for the sum of products in an int32. */
const biasMax = (2 ** 31 - 1) / 2;

/**
 * Quantizes weights of `shape` and a bias with one value per output channel. `perChannel` is the axis of the channels, or null
 * for a single scale; `inputScale` is the float32 scale of the input.
 */
export function quantizeWeights(
  weights: Float32Array,
  shape: readonly number[],
  bias: Float32Array,
  perChannel: number | null,
  inputScale: number,
): QuantizedWeights {
  const channelAxis = perChannel ?? 0;
  const channelOf = channelIndex(shape, channelAxis);
  const groups = perChannel === null ? 1 : (shape[channelAxis] ?? 1);
  const group = (channel: number): number => (perChannel === null ? 0 : channel);
  const peaks = new Float64Array(groups).fill(leastWeight);
  weights.forEach((weight, at) => {
    const index = group(channelOf(at));
    peaks[index] = Math.max(peaks[index] ?? 0, Math.abs(weight));
  });
  const biasPeaks = new Float64Array(groups);
  bias.forEach((value, channel) => {
    biasPeaks[group(channel)] = Math.max(biasPeaks[group(channel)] ?? 0, Math.abs(value));
  });
  let adjusted = 0;
  const scale = Array.from(peaks, (peak, index) => {
    const measured = Math.fround(peak / weightMax);
    if ((biasPeaks[index] ?? 0) / Math.fround(inputScale * measured) <= biasMax) return measured;
    adjusted++;
    return Math.fround((biasPeaks[index] ?? 0) / biasMax / inputScale);
  });
  const biasScale = scale.map((one) => Math.fround(inputScale * one));
  const zeros = scale.map(() => 0);
  return {
    weights: Int8Array.from(weights, (weight, at) => clip(weight / (scale[group(channelOf(at))] ?? 1))),
    weightParams: { scale, zeroPoint: zeros, dimension: groups === 1 ? 0 : channelAxis },
    bias: Int32Array.from(bias, (value, channel) => roundHalfAway(value / (biasScale[group(channel)] ?? 1))),
    biasParams: { scale: biasScale, zeroPoint: zeros, dimension: 0 },
    adjusted,
  };
}

function clip(value: number): number {
  return Math.min(weightMax, Math.max(-weightMax, roundHalfAway(value)));
}

/** Index along `axis` of the element at a flat position. */
function channelIndex(shape: readonly number[], axis: number): (at: number) => number {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = shape[axis] ?? 1;
  return (at) => Math.floor(at / inner) % size;
}
