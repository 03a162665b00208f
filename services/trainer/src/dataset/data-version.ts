import { sha256, type Sha256 } from '@atoll/base/digest';
import type { Photo } from './photo.js';

/** What makes two trainings see the same data. */
export interface DataVersionInput {
  readonly classes: readonly string[];
  readonly training: readonly Photo[];
  readonly validation: readonly Photo[];
  readonly test: readonly Photo[];
  /** How pixels came from files, in words. */
  readonly preprocessing: string;
}

/** SHA-256 over classes, the digest and label of each photo of each side, and the preprocessing; paths and order do not count. */
export function dataVersion({ classes, training, validation, test, preprocessing }: DataVersionInput): Sha256 {
  const side = (photos: readonly Photo[]): readonly string[] =>
    photos.map((photo) => `${photo.label ?? '-'} ${photo.sha256}`).toSorted();
  return sha256(
    JSON.stringify({
      format: 1,
      classes,
      training: side(training),
      validation: side(validation),
      test: side(test),
      preprocessing,
    }),
  );
}
