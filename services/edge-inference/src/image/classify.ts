import { defaultPreprocessing, imageTarget, toTensorBytes } from '@atoll/image/preprocessing';
import { AtollError } from '@atoll/base/error';
import type { VersionAtWork } from '../inference.js';
import type { ClassScore } from './top-classes.js';
import { topClasses } from './top-classes.js';

/** What a photo was taken for. */
export interface Classified {
  readonly classes: readonly ClassScore[];
  readonly inferMs: number;
}

/** Decodes a photo as the version's package says, runs it, and ranks the classes. */
export async function classify(
  version: VersionAtWork,
  image: Uint8Array,
  top: number,
  signal: AbortSignal,
): Promise<Classified> {
  const { pkg, info } = version.served;
  const [input] = info.inputs;
  const [outputSpec] = info.outputs;
  if (input === undefined || outputSpec === undefined || info.inputs.length !== 1) {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot judge a photo with ${pkg.model}: it has ${info.inputs.length} inputs`,
    );
  }
  const preprocessing = pkg.preprocessing ?? defaultPreprocessing(input);
  // Half of all that a node would load at its start, and many never see a photo.
  const { decodeImage } = await import('@atoll/image/decode');
  const pixels = await decodeImage(image, imageTarget(preprocessing), signal);
  const { outputs, inferMs } = await version.run([toTensorBytes(pixels, preprocessing, input)]);
  return { classes: topClasses(outputs[0] ?? new Uint8Array(0), outputSpec, pkg.labels, top), inferMs };
}
