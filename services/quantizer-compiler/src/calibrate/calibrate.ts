import { AtollError } from '@atoll/base/error';
import type { Range } from '../quantize/params.js';
import type { ObservedValue } from './observed-model.js';
import { Observer } from './observer.js';
import type { Histogram } from './observer.js';
import { WeightInputCollector } from './weight-inputs.js';
import type { WeightInputs } from './weight-inputs.js';

/** Runs the observed model: one photo in, the values of each observed tensor out, in order. */
export type ObservedRun = (photo: Uint8Array) => Promise<readonly Float32Array[]>;

/** What calibration found, by the name of the value. */
export interface Calibration {
  readonly images: number;
  readonly ranges: ReadonlyMap<string, Range>;
  /** The ranges over every other photo, and over those between. */
  readonly halves: ReadonlyMap<string, readonly Range[]>;
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Mean and greatest absolute value of each channel (last axis) over photos and positions. */
  readonly channelMeans: ReadonlyMap<string, Float64Array>;
  readonly channelPeaks: ReadonlyMap<string, Float64Array>;
  /** What a SOFTMAX read, row by row. */
  readonly logits: ReadonlyMap<string, readonly Float32Array[]>;
  /** What the weights of a layer are multiplied with, by the name of the layer's output. */
  readonly weightInputs: ReadonlyMap<string, WeightInputs>;
}

/** Rows of logits that are kept of one tensor; more would only cost memory. */
const maxLogitRows = 2000;
/** Of one photo, where every pixel has logits. */
const maxLogitRowsOfPhoto = 64;

/**
 * Runs the model on every photo and collects the values of each tensor; photos are taken one at a time, `expected` of them.
 * `random` draws the positions whose inputs the weights are fitted to.
 */
export async function calibrate(
  values: readonly ObservedValue[],
  run: ObservedRun,
  photos: AsyncIterable<Uint8Array>,
  expected: number,
  random: () => number,
  onPhoto: (done: number) => void,
  signal: AbortSignal,
): Promise<Calibration> {
  const observed = values.map((value) => ({
    ...value,
    observer: new Observer(value.channels),
    rows: [] as Float32Array[],
    collectors: value.readers.map(({ layer, window }) => ({
      layer,
      collector: new WeightInputCollector(window, Math.max(1, expected), random),
    })),
  }));
  let images = 0;
  for await (const photo of photos) {
    signal.throwIfAborted();
    const outputs = await run(photo);
    for (const [index, { observer, logits, channels, rows, collectors }] of observed.entries()) {
      const reals = outputs[index] ?? new Float32Array();
      observer.observe(reals);
      if (logits && rows.length < maxLogitRows) rows.push(...rowsOf(reals, channels));
      for (const { collector } of collectors) collector.observe(reals);
    }
    onPhoto(++images);
  }
  if (images === 0) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot calibrate: there are no representative photos');
  }
  for (const { name, observer } of observed) {
    const { notFinite, count } = observer;
    if (notFinite === 0) continue;
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot calibrate: ${name} is infinite or not a number in ${notFinite} of ${notFinite + count} values; the float model is broken`,
    );
  }
  return {
    images,
    ranges: new Map(observed.map(({ name, observer }) => [name, observer.range()])),
    halves: new Map(observed.map(({ name, observer }) => [name, observer.halves()])),
    histograms: new Map(observed.map(({ name, observer }) => [name, observer.histogram()])),
    channelMeans: new Map(observed.map(({ name, observer }) => [name, observer.channelMeans()])),
    channelPeaks: new Map(observed.map(({ name, observer }) => [name, observer.channelPeaks()])),
    logits: new Map(observed.filter(({ logits }) => logits).map(({ name, rows }) => [name, rows])),
    weightInputs: new Map(
      observed.flatMap(({ collectors }) =>
        collectors.map(({ layer, collector }) => [layer, collector.inputs()] as const),
      ),
    ),
  };
}

/** The rows along the last axis, spread over the tensor where there are many. */
function rowsOf(values: Float32Array, channels: number): readonly Float32Array[] {
  const count = values.length / channels;
  const step = Math.max(1, Math.floor(count / maxLogitRowsOfPhoto));
  const rows: Float32Array[] = [];
  for (let row = 0; row < count; row += step) rows.push(values.slice(row * channels, (row + 1) * channels));
  return rows;
}
