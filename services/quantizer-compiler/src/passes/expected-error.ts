// What rounding adds to the results of an operation with weights, as far as the ranges tell:
//   sum over weights w of channel c:  (w / f)^2 * (activation step)^2  +  (f * p / 3)^2 * (weight step)^2
// p being the peak of the channel, taken as three standard deviations, f the factor that it is multiplied by while its weights are
// divided. Steps are the greatest magnitude over 255 and 127. A common factor of 1/12 is left out. It ranks; it predicts nothing.
import { opTable } from '../graph/op-table.js';
import { eachWeight } from './weighted.js';
import type { Weighted } from './weighted.js';

/** What the weights of an operation tell of each input channel, so that factors can be judged without looking at them again. */
export interface ColumnStats {
  readonly inChannels: number;
  /** Sum of squares of the weights of each input channel. */
  readonly energies: Float64Array;
  /** Greatest magnitude of the weights of each input channel. */
  readonly peaks: Float64Array;
  /** The same within each group of weights that has a scale: [group, channel]; a depthwise group has one channel. */
  readonly groupPeaks: Float64Array;
  readonly groups: number;
  /** Weights of one channel in one group. */
  readonly taps: number;
  readonly depthwise: boolean;
}

/** Looks at every weight once. */
export function columnStats(reader: Weighted): ColumnStats {
  const { kernel, outChannels, inChannels, depthwise } = reader;
  const groups = opTable[reader.op.kind]?.weights?.perChannel === null ? 1 : outChannels;
  const width = depthwise ? 1 : inChannels;
  const energies = new Float64Array(inChannels);
  const peaks = new Float64Array(inChannels);
  const groupPeaks = new Float64Array(groups * width);
  eachWeight(reader, (weight, out, channel) => {
    const size = Math.abs(weight);
    energies[channel] = (energies[channel] as number) + weight * weight;
    if (size > (peaks[channel] as number)) peaks[channel] = size;
    const at = groups === 1 ? channel : depthwise ? out : out * width + channel;
    if (size > (groupPeaks[at] as number)) groupPeaks[at] = size;
  });
  return { inChannels, energies, peaks, groupPeaks, groups, taps: kernel.length / groupPeaks.length, depthwise };
}

/**
 * The expected squared error of a reader when the channels of its input get `factors`, null for none; `peaks` are those of the
 * channels before, c being the channel of the reader mod their number.
 */
export function expectedError(stats: ColumnStats, peaks: Float64Array, factors: Float64Array | null): number {
  const { inChannels, energies, groupPeaks, groups, taps, depthwise } = stats;
  const channels = peaks.length;
  const factor = (channel: number): number => factors?.[channel % channels] ?? 1;
  const lifted = Float64Array.from(
    { length: inChannels },
    (_, channel) => factor(channel) * (peaks[channel % channels] ?? 0),
  );
  const reach = lifted.reduce((most, peak) => Math.max(most, peak), 0);
  const ofActivation = energies.reduce((sum, energy, channel) => sum + energy / factor(channel) ** 2, 0);
  const width = depthwise ? 1 : inChannels;
  const multiplier = depthwise ? groups / inChannels : 1;
  const spread = lifted.reduce((sum, peak) => sum + (peak / 3) ** 2, 0);
  let ofWeights = 0;
  for (let group = 0; group < groups; group++) {
    let greatest = 0;
    for (let column = 0; column < width; column++) {
      const channel = depthwise ? Math.floor(group / multiplier) : column;
      greatest = Math.max(greatest, (groupPeaks[group * width + column] ?? 0) / factor(channel));
    }
    const energy = depthwise ? ((lifted[Math.floor(group / multiplier)] ?? 0) / 3) ** 2 : spread;
    ofWeights += taps * energy * (greatest / 127) ** 2;
  }
  return ofActivation * (reach / 255) ** 2 + ofWeights;
}
