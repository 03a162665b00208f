// What rounding adds to the results of an operation with weights, as far as the ranges tell:
//   sum over weights w of channel c:  (w / f)^2 * (activation step)^2  +  (f * p / 3)^2 * (weight step)^2
// p being the peak of the channel, taken as three standard deviations, f the factor that it is multiplied by while its weights are
// divided. Steps are the greatest magnitude over 255 and 127. A common factor of 1/12 is left out. It ranks; it predicts nothing.
import { opTable } from '../graph/op-table.js';
import { eachWeight } from './weighted.js';
import type { Weighted } from './weighted.js';

/** The expected squared error of `reader`, when the channels of its input (peaks[c], c being the channel mod their number) get `factors`. */
export function expectedError(reader: Weighted, peaks: Float64Array, factors: Float64Array | null): number {
  const channels = peaks.length;
  const factor = (channel: number): number => factors?.[channel % channels] ?? 1;
  const perChannel = opTable[reader.op.kind]?.weights?.perChannel !== null;
  const group = (out: number): number => (perChannel ? out : 0);
  const greatest = new Float64Array(perChannel ? reader.outChannels : 1);
  const energies = new Float64Array(greatest.length);
  let activationEnergy = 0;
  eachWeight(reader, (weight, out, channel) => {
    const scaled = Math.abs(weight) / factor(channel);
    const to = group(out);
    if (scaled > (greatest[to] ?? 0)) greatest[to] = scaled;
    activationEnergy += scaled * scaled;
    energies[to] = (energies[to] ?? 0) + ((factor(channel) * (peaks[channel % channels] ?? 0)) / 3) ** 2;
  });
  const reach = peaks.reduce((most, peak, channel) => Math.max(most, peak * factor(channel)), 0);
  const weightError = energies.reduce((sum, energy, to) => sum + energy * ((greatest[to] ?? 0) / 127) ** 2, 0);
  return activationEnergy * (reach / 255) ** 2 + weightError;
}
