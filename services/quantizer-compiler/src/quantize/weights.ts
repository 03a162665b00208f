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

/** Rounded weights and their scales, as long as no bias asks for coarser ones. */
interface RoundedWeights {
  readonly scale: readonly number[];
  /** Elements in a row that share a scale: constants of other shapes may share the elements. */
  readonly inner: number;
  readonly weights: Int8Array;
}

/** Weights that were rounded before, by their reals: many candidates of a model have the same. */
export type KnownWeights = Map<Float32Array, RoundedWeights>;

/**
 * Quantizes weights of `shape` and a bias with one value per output channel. `perChannel` is the axis of the channels, or null
 * for a single scale; `inputScale` is the float32 scale of the input. Results are looked up and kept in `known`.
 */
export function quantizeWeights(
  weights: Float32Array,
  shape: readonly number[],
  bias: Float32Array,
  perChannel: number | null,
  inputScale: number,
  known: KnownWeights = new Map(),
): QuantizedWeights {
  const groups = perChannel === null ? 1 : bias.length;
  const inner = perChannel === null ? 1 : shape.slice(perChannel + 1).reduce((product, size) => product * size, 1);
  const earlier = known.get(weights);
  const isSame = earlier?.inner === inner && earlier.scale.length === groups;
  const plain = isSame ? earlier : roundedPlainly(weights, groups, inner);
  known.set(weights, plain);
  const biasPeaks = groupPeaks(bias, groups, 1);
  let adjusted = 0;
  const scale = plain.scale.map((measured, index) => {
    const biasPeak = biasPeaks[index] ?? 0;
    if (biasPeak / Math.fround(inputScale * measured) <= biasMax) return measured;
    adjusted++;
    return Math.fround(biasPeak / biasMax / inputScale);
  });
  const biasScale = scale.map((one) => Math.fround(inputScale * one));
  const zeros = scale.map(() => 0);
  return {
    weights: adjusted === 0 ? plain.weights : rounded(weights, Float64Array.from(scale), inner),
    weightParams: { scale, zeroPoint: zeros, dimension: groups === 1 ? 0 : (perChannel ?? 0) },
    bias: Int32Array.from(bias, (value, channel) =>
      roundHalfAway(value / (biasScale[groups === 1 ? 0 : channel] ?? 1)),
    ),
    biasParams: { scale: biasScale, zeroPoint: zeros, dimension: 0 },
    adjusted,
  };
}

function roundedPlainly(weights: Float32Array, groups: number, inner: number): RoundedWeights {
  const peaks = groupPeaks(weights, groups, inner);
  const scale = Array.from(peaks, (peak) => Math.fround(Math.max(leastWeight, peak) / weightMax));
  return { scale, inner, weights: rounded(weights, Float64Array.from(scale), inner) };
}

/** Greatest absolute value. */
export function peakOf(data: Float32Array): number {
  return groupPeaks(data, 1, data.length)[0] ?? 0;
}

/** Greatest absolute value of each group; groups alternate every `inner` elements. */
function groupPeaks(data: Float32Array, groups: number, inner: number): Float64Array {
  const peaks = new Float64Array(groups);
  for (let start = 0, group = 0; inner > 0 && start < data.length; start += inner, group = (group + 1) % groups) {
    let peak = peaks[group] as number;
    for (let at = start; at < start + inner; at++) {
      const size = Math.abs(data[at] as number);
      if (size > peak) peak = size;
    }
    peaks[group] = peak;
  }
  return peaks;
}

/** To the nearest step of the group's scale, halves away from zero, within [-127, 127]. */
function rounded(weights: Float32Array, scale: Float64Array, inner: number): Int8Array {
  const result = new Int8Array(weights.length);
  const groups = scale.length;
  for (let start = 0, group = 0; start < weights.length; start += inner, group = (group + 1) % groups) {
    const step = scale[group] as number;
    for (let at = start; at < start + inner; at++) {
      const exact = (weights[at] as number) / step;
      const near = exact < 0 ? -Math.floor(0.5 - exact) : Math.floor(exact + 0.5);
      result[at] = near > weightMax ? weightMax : near < -weightMax ? -weightMax : near;
    }
  }
  return result;
}
