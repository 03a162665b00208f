// Equalization between layers: a channel that an operation with weights makes is multiplied by a factor above 0 in its weights and
// bias, and divided by it in the weights of all that read it, through whatever lets a factor above 0 pass (ReLU, leaky ReLU, pools,
// means, padding, reshapes). The float model stays the same function, up to rounding; its int8 version does not: the channels of
// one activation share one scale, so a channel whose values are small gets few of its 256 steps, and more after this.
//   equalize          factors from the peaks that the channels took on the representative photos
//   equalizeWeights   factors from the weights alone, between two dense layers, whose weights have one scale each
// Both are pure and cheap (a few passes over the weights), so candidates may be tried by the error that they leave on photos held
// out. What follows from calibration (ranges, means, peaks) is another thing for the new graph and must be taken anew. Apply them
// to a graph after the passes: activations are fused there. Pairs with RELU6 between them stay: its bound would move. Values with
// a reader that takes no factor stay too, so the sums of residual networks do.
// Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.
import { activations } from '@atoll/tflite/enums';
import { valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { columnStats, expectedError } from './expected-error.js';
import type { ColumnStats } from './expected-error.js';
import { applyChange, Draft, viewOf } from './rule.js';
import type { View } from './rule.js';
import { sinksOf } from './sinks.js';
import type { Sinks } from './sinks.js';
import { fusedActivation, outputPeaks, scaleInputs, scaleOutputs, weightedOf } from './weighted.js';
import type { Weighted } from './weighted.js';

/** A factor beyond this, or below its inverse, rests on too few values. */
const greatestFactor = 32;
/** Channels whose peak is a smaller share of the greatest are dead. */
const deadShare = 1e-6;
/** Factors of dense layers in a row depend on each other; they settle within a few rounds. */
const weightRounds = 5;

/** Finds the factor of each channel between an operation and its readers; null leaves them as they are. */
type Chooser = (before: Weighted, sinks: Sinks) => Float64Array | null;

/**
 * Equalizes activations; `channelPeaks` are the greatest magnitudes of each channel (last axis) by the name of the value, of this
 * graph. `strength` 0 changes nothing, 1 lifts every channel to the greatest peak of its activation. Where the readers' weights
 * have one scale, channels with large weights are lifted first; a pair whose expected error would not fall stays as it is.
 */
export function equalize(graph: Graph, channelPeaks: ReadonlyMap<string, Float64Array>, strength: number): Graph {
  if (strength === 0) return graph;
  return equalizeBy(graph, (before, sinks) => {
    const peaks = channelPeaks.get(valueAt(graph, before.op.outputs[0] ?? -1).name);
    if (peaks === undefined || peaks.length !== before.outChannels) return null;
    const stats = sinks.targets.map(columnStats);
    const candidates = [lifted(peaks, strength), balanced(peaks, columnPeaks(stats, peaks.length), strength)];
    const error = (factors: Float64Array | null): number =>
      stats.reduce((sum, reader) => sum + expectedError(reader, peaks, factors), 0);
    let least = error(null);
    let best: Float64Array | null = null;
    const rows = before.op.kind === 'FULLY_CONNECTED' ? outputPeaks(before) : null;
    for (const candidate of candidates) {
      const factors = rows === null ? candidate : withinWeights(rows, candidate);
      const expected = error(factors);
      if (expected < least) [best, least] = [factors, expected];
    }
    return best;
  });
}

/** Gives dense layers that follow one another the same range of weights for each channel between them; `strength` as above. */
export function equalizeWeights(graph: Graph, strength: number): Graph {
  const rounds = strength === 1 ? weightRounds : strength === 0 ? 0 : 1;
  let current = graph;
  for (let round = 0; round < rounds; round++) {
    current = equalizeBy(current, (before, sinks) => {
      if (![before, ...sinks.targets].every(({ op }) => op.kind === 'FULLY_CONNECTED')) return null;
      const rows = outputPeaks(before);
      const columns = columnPeaks(sinks.targets.map(columnStats), rows.length);
      return rows.map((row, channel) => bounded(((columns[channel] ?? 0) / row) ** (strength / 2)));
    });
  }
  return current;
}

function equalizeBy(graph: Graph, choose: Chooser): Graph {
  let current = graph;
  for (let at = 0; at < graph.ops.length; at++) {
    const view = viewOf(current);
    const op = current.ops[at];
    const before = op === undefined ? null : weightedOf(current, op);
    if (op === undefined || before === null) continue;
    const fused = fusedActivation(op);
    if (fused !== activations.NONE && fused !== activations.RELU) continue;
    const motion = { kind: 'scale', positive: true, period: before.outChannels } as const;
    const sinks = sinksOf(view, op.outputs[0] ?? -1, motion);
    if (sinks === null || sinks.targets.length === 0) continue;
    const factors = choose(before, sinks);
    if (factors?.some((factor) => factor !== 1) === true) current = scaled(view, before, sinks, factors);
  }
  return current;
}

function scaled(view: View, before: Weighted, { targets }: Sinks, factors: Float64Array): Graph {
  const up = (channel: number): number => factors[channel] ?? 1;
  const down = (channel: number): number => 1 / (factors[channel % factors.length] ?? 1);
  const draft = new Draft(view);
  draft.constants(
    before.op,
    new Map<number, Float32Array>([
      [before.weights, scaleOutputs(before, up)],
      [before.bias, before.offsets.map((one, channel) => one * up(channel))],
    ]),
  );
  for (const target of new Set(targets)) {
    draft.constants(target.op, new Map([[target.weights, scaleInputs(target, down)]]));
  }
  return applyChange(view.graph, draft.change());
}

/** Every channel comes to the greatest peak. */
function lifted(peaks: Float64Array, strength: number): Float64Array {
  const greatest = peaks.reduce((a, b) => Math.max(a, b), 0);
  return peaks.map((peak) => (peak <= deadShare * greatest ? 1 : bounded((greatest / peak) ** strength)));
}

/** Peaks and columns of weights come to the same share of their greatest; then no peak is above the greatest there was. */
function balanced(peaks: Float64Array, columns: Float64Array, strength: number): Float64Array {
  const greatest = peaks.reduce((a, b) => Math.max(a, b), 0);
  const isDead = (peak: number): boolean => peak <= deadShare * greatest;
  const factors = peaks.map((peak, channel) => (isDead(peak) ? 1 : ((columns[channel] ?? 0) / peak) ** (strength / 2)));
  const highest = peaks.reduce((most, peak, channel) => Math.max(most, peak * (factors[channel] ?? 1)), 0);
  return factors.map((factor, channel) => (isDead(peaks[channel] ?? 0) ? 1 : bounded((factor * greatest) / highest)));
}

/** No row of weights with one scale for all becomes greater than the greatest. */
function withinWeights(rows: Float64Array, factors: Float64Array): Float64Array {
  const greatest = rows.reduce((a, b) => Math.max(a, b), 0);
  return factors.map((factor, channel) => Math.min(factor, Math.max(1, bounded(greatest / (rows[channel] ?? 1)))));
}

/** Greatest weights by which each channel is read. */
function columnPeaks(readers: readonly ColumnStats[], channels: number): Float64Array {
  const greatest = new Float64Array(channels);
  for (const { peaks } of readers) {
    peaks.forEach((peak, column) => {
      greatest[column % channels] = Math.max(greatest[column % channels] ?? 0, peak);
    });
  }
  return greatest;
}

function bounded(factor: number): number {
  if (!Number.isFinite(factor) || factor <= 0) return 1;
  return Math.min(greatestFactor, Math.max(1 / greatestFactor, factor));
}
