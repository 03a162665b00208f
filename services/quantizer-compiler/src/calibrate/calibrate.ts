import { AtollError } from '@atoll/base/error';
import { Observer } from './observer.js';

/** Runs the observed model: one photo in, one array a observed value out, in order. */
export type ObservedRun = (input: Uint8Array) => Promise<readonly Float32Array[]>;

/** Runs the model on every photo and collects the values of each tensor; photos are taken one at a time. */
export async function calibrate(
  names: readonly string[],
  run: ObservedRun,
  photos: AsyncIterable<Uint8Array>,
  onPhoto: (done: number) => void,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Observer>> {
  const observers = new Map(names.map((name) => [name, new Observer()]));
  let done = 0;
  for await (const photo of photos) {
    signal.throwIfAborted();
    const outputs = await run(photo);
    names.forEach((name, index) => observers.get(name)?.observe(outputs[index] ?? new Float32Array()));
    onPhoto(++done);
  }
  if (done === 0) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot calibrate: there are no representative photos');
  }
  for (const [name, { nans, count }] of observers) {
    if (nans > 0) {
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot calibrate: ${name} is not a number in ${nans} of ${nans + count} values; the float model is broken`,
      );
    }
  }
  return observers;
}
