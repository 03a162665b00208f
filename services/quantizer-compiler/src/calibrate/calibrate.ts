import { AtollError } from '@atoll/base/error';
import type { Range } from '../quantize/params.js';
import type { ObservedValue } from './observed-model.js';
import { Observer } from './observer.js';

/** Runs the observed model: one photo in, the values of each observed tensor out, in order. */
export type ObservedRun = (photo: Uint8Array) => Promise<readonly Float32Array[]>;

/** What calibration found, by the name of the value. */
export interface Calibration {
  readonly images: number;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Mean of each channel (last axis) over photos and positions. */
  readonly channelMeans: ReadonlyMap<string, Float64Array>;
  /** What a SOFTMAX read, photo by photo. */
  readonly logits: ReadonlyMap<string, readonly Float32Array[]>;
}

/** Photos whose logits are kept; more would only cost memory. */
const maxKeptPhotos = 1000;

/** Runs the model on every photo and collects the values of each tensor; photos are taken one at a time. */
export async function calibrate(
  values: readonly ObservedValue[],
  run: ObservedRun,
  photos: AsyncIterable<Uint8Array>,
  onPhoto: (done: number) => void,
  signal: AbortSignal,
): Promise<Calibration> {
  const observed = values.map((value) => ({ ...value, observer: new Observer(value.channels) }));
  const logits = new Map(
    values.filter((value) => value.logits).map(({ name }): [string, Float32Array[]] => [name, []]),
  );
  let images = 0;
  for await (const photo of photos) {
    signal.throwIfAborted();
    const outputs = await run(photo);
    observed.forEach(({ name, observer }, index) => {
      const reals = outputs[index] ?? new Float32Array();
      observer.observe(reals);
      if (images < maxKeptPhotos) logits.get(name)?.push(reals);
    });
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
    channelMeans: new Map(observed.map(({ name, observer }) => [name, observer.channelMeans()])),
    logits,
  };
}
