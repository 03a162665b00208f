// What a person should know before trusting an int8 model, from what calibration and comparison found. One line a kind of trouble:
// the worst case by name, and how many others there are.
import { valueAt } from '../graph/graph.js';
import type { Calibration } from '../calibrate/calibrate.js';
import type { CompletePlan } from '../quantize/plan-quantization.js';
import { softmax } from '../quantize/logit-range.js';
import type { TensorError } from './tensor-errors.js';

/** Fewer photos than this leave the ends of ranges to chance. */
const leastPhotos = 50;
/** Two halves of the photos that differ more than this have not seen the same. */
const halvesDiffer = 0.2;
/** A tensor over more than this loses what is near 0. */
const wideRange = 100;
/** What is concatenated shares one scale. */
const concatRatio = 8;
const deadShare = 0.25;
const clippedShare = 0.01;
/** A drop of the signal to the error, over one operation, that is worth a name. */
const dropDb = 12;
/** Below this, an output is hardly that of the float model. */
const poorDb = 15;
/** The same class for more than this share of many photos. */
const sameClassShare = 0.95;
/** A class that is this sure, on more than `sureShare` of many photos: logits far beyond what a softmax can tell apart. */
const sure = 0.999;
const sureShare = 0.95;

/** Warnings about the photos. */
export function photoWarnings(
  { images, halves, logits, ranges }: Pick<Calibration, 'images' | 'halves' | 'logits' | 'ranges'>,
  inputs: readonly string[],
): string[] {
  const warnings: string[] = [];
  if (images < leastPhotos) {
    warnings.push(`only ${images} photos were calibrated on: ranges are safe from about 100 photos of every kind on`);
  }
  const unlike = [...halves]
    .map(([name, [a = none, b = none]]) => ({ name, difference: difference(width(a), width(b)) }))
    .filter((one) => one.difference > halvesDiffer);
  if (images >= 2 && unlike.length > 0) {
    const worst = most(unlike, (one) => one.difference);
    warnings.push(
      `two halves of the photos give ranges that differ by more than 20 % in ${unlike.length} tensors, most in ` +
        `${worst?.name} (${percent(worst?.difference ?? 0)}): take more photos`,
    );
  }
  for (const name of inputs) {
    const range = ranges.get(name);
    if (range !== undefined && range.max - range.min < 1e-6) {
      warnings.push(`the photos are of one colour only (${name} is always ${range.max}): they represent nothing`);
    }
  }
  for (const [name, rows] of logits) {
    if (rows.length < 20) continue;
    const share = sameClass(rows);
    if (share > sameClassShare) {
      warnings.push(
        `the float model gives one class to ${percent(share)} of the photos (${name}): are they normalized as in training (--pixels)?`,
      );
    }
    const certain = rows.filter((row) => Math.max(...softmax(row)) > sure).length / rows.length;
    if (certain > sureShare) {
      warnings.push(
        `the float model is surer than ${sure} of ${percent(certain)} of the photos (${name}): its scores tell them no longer apart, and such agreement proves little; are they those of training, or not normalized (--pixels)?`,
      );
    }
  }
  return warnings;
}

const none = { min: 0, max: 0 };

function width({ min, max }: { readonly min: number; readonly max: number }): number {
  return max - min;
}

function difference(a: number, b: number): number {
  const greater = Math.max(a, b);
  return greater === 0 ? 0 : 1 - Math.min(a, b) / greater;
}

/** Share of the rows whose best class is the most frequent one. */
function sameClass(rows: readonly Float32Array[]): number {
  const counts = new Map<number, number>();
  for (const row of rows) {
    const best = row.indexOf(row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
    counts.set(best, (counts.get(best) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values()) / Math.max(1, rows.length);
}

/** Warnings about the tensors of the int8 model. Logits whose range was chosen are clipped on purpose. */
export function tensorWarnings(plan: CompletePlan, judged: ReadonlyMap<string, TensorError>): string[] {
  const { calibration, float } = plan;
  const names = float.ops.flatMap(({ outputs }) => outputs.map((index) => valueAt(float, index).name));
  const rangeOf = (name: string) => calibration.ranges.get(name) ?? none;
  const wide = names.map((name) => ({ name, by: width(rangeOf(name)) })).filter(({ by }) => by > wideRange);
  const clipped = names
    .map((name) => ({ name, by: judged.get(name)?.clipped ?? 0 }))
    .filter(({ name, by }) => by > clippedShare && !plan.replaced.has(name));
  const dead = names
    .map((name) => ({ name, by: deadChannels(calibration.channelPeaks.get(name)) }))
    .filter(({ by }) => by > deadShare);
  const drops = float.ops
    .map(({ inputs, outputs: [output = -1] }) => {
      const before = inputs.map((index) => judged.get(valueAt(float, index).name)?.sqnrDb ?? Number.POSITIVE_INFINITY);
      const { name } = valueAt(float, output);
      const after = judged.get(name)?.sqnrDb ?? Number.POSITIVE_INFINITY;
      const least = Math.min(...before);
      return { name, by: Number.isFinite(least) && Number.isFinite(after) ? least - after : 0 };
    })
    .filter(({ name, by }) => by > dropDb && !plan.replaced.has(name));
  const poor = float.outputs
    .map((index) => ({
      name: valueAt(float, index).name,
      by: -(judged.get(valueAt(float, index).name)?.sqnrDb ?? 200),
    }))
    .filter(({ by }) => by > -poorDb);
  return [
    ...named(
      wide,
      ({ name, by }) => `${name} spans ${by.toPrecision(3)}: int8 has coarse steps there; RELU6 bounds it`,
    ),
    ...float.ops.flatMap(({ kind, inputs, outputs: [output = -1] }) => {
      if (kind !== 'CONCATENATION') return [];
      const widths = inputs.map((index) => width(rangeOf(valueAt(float, index).name))).filter((one) => one > 0);
      const ratio = Math.max(...widths, 0) / Math.min(...widths, Number.POSITIVE_INFINITY);
      if (!(ratio > concatRatio)) return [];
      return [
        `${valueAt(float, output).name} joins tensors whose ranges differ ${ratio.toFixed(0)} times: the narrow ones keep few steps; scale them alike or give them out apart`,
      ];
    }),
    ...named(dead, ({ name, by }) => `${percent(by)} of the channels of ${name} are 0 on every photo`),
    ...named(clipped, ({ name, by }) => `${percent(by)} of the values of ${name} are beyond its range`),
    ...named(drops, ({ name, by }) => `${name} costs most: the signal to the error falls by ${by.toFixed(1)} dB there`),
    ...named(poor, ({ name, by }) => `output ${name} is only ${(-by).toFixed(1)} dB above its error`),
  ];
}

function deadChannels(peaks: Float64Array | undefined): number {
  if (peaks === undefined || peaks.length < 4) return 0;
  return peaks.filter((peak) => peak === 0).length / peaks.length;
}

interface Case {
  readonly name: string;
  readonly by: number;
}

/** The worst case in words, and how many others there are. */
function named(cases: readonly Case[], say: (worst: Case) => string): readonly string[] {
  const worst = most(cases, ({ by }) => by);
  if (worst === undefined) return [];
  return [`${say(worst)}${cases.length === 1 ? '' : ` (and ${cases.length - 1} more like it)`}`];
}

function most<T>(items: readonly T[], size: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (best, one) => (best === undefined || size(one) > size(best) ? one : best),
    undefined,
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
