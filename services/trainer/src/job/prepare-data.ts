import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { dataVersion } from '../dataset/data-version.js';
import { type Decoded, decodePhotos, preprocessingWords } from '../dataset/decode-photos.js';
import type { LabelledPhoto, Photo, SkippedPhoto } from '../dataset/photo.js';
import { PixelCache } from '../dataset/pixel-cache.js';
import { splitPhotos } from '../dataset/split.js';
import type { Stored, TrainingTask } from './messages.js';

/** Decoded and split photos of a task. */
export interface PreparedData {
  readonly cache: PixelCache;
  readonly training: readonly Decoded<LabelledPhoto>[];
  readonly validation: readonly Decoded<LabelledPhoto>[];
  readonly test: readonly Decoded<Photo>[];
  readonly skipped: readonly SkippedPhoto[];
  readonly dataVersion: string;
  readonly preprocessing: string;
}

/** Decodes every photo of the task once, leaves damaged ones out, splits; the caller closes the cache. */
export async function prepareData(task: TrainingTask, signal: AbortSignal): Promise<PreparedData> {
  const { classes, settings } = task;
  const { imageSize, seed, validationShare } = settings;
  const [dataset, validationSet, testSet] = [task.dataset, task.validation ?? [], task.test ?? []];
  const count = dataset.length + validationSet.length + testSet.length;
  await mkdir(task.workFolder, { recursive: true });
  const cache = await PixelCache.create(join(task.workFolder, 'pixels.u8'), count, imageSize * imageSize * 3);
  try {
    const decode = <P extends Photo>(photos: readonly Stored<P>[], firstSlot: number) =>
      decodePhotos(photos, (photo) => photo.file, cache, firstSlot, imageSize, signal);
    const labelled = await decode(dataset, 0);
    const validating = await decode(validationSet, dataset.length);
    const testing = await decode(testSet, dataset.length + validationSet.length);
    refuseEmptyClass(classes, labelled.kept, labelled.skipped);
    const split =
      task.validation === null
        ? splitPhotos(labelled.kept, seed, validationShare)
        : { training: labelled.kept, validation: validating.kept };
    if (split.validation.length === 0) {
      throw new AtollError('INVALID_ARGUMENT', 'cannot train: no photo is left to validate with');
    }
    const preprocessing = preprocessingWords(imageSize);
    return {
      cache,
      ...split,
      test: testing.kept,
      skipped: [...labelled.skipped, ...validating.skipped, ...testing.skipped],
      dataVersion: dataVersion({ classes, ...split, test: testing.kept, preprocessing }),
      preprocessing,
    };
  } catch (error) {
    await cache.close();
    throw error;
  }
}

function refuseEmptyClass(
  classes: readonly string[],
  kept: readonly LabelledPhoto[],
  skipped: readonly SkippedPhoto[],
): void {
  const empty = classes.find((_, label) => !kept.some((photo) => photo.label === label));
  if (empty === undefined) return;
  const first = skipped.find(({ path }) => path.startsWith(`${empty}/`));
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot train class ${empty}: none of its photos can be decoded${first === undefined ? '' : `: ${first.path}: ${first.reason}`}`,
  );
}
