import { AtollError } from '@atoll/base/error';

/** Ranges of the random change of a training photo; all zero = photos are taken as they are. */
export interface Augmentation {
  /** Each axis is scaled by a factor within [1 - zoom, 1 + zoom]; at most 0.9. */
  readonly zoom: number;
  /** Rotation within plus or minus this many degrees. */
  readonly rotateDegrees: number;
  /** Shear angle within plus or minus this many degrees, as Keras has it; below 90. */
  readonly shearDegrees: number;
}

/** Takes every photo as it is. */
export const noAugmentation: Augmentation = { zoom: 0, rotateDegrees: 0, shearDegrees: 0 };

/** True when at least one range is open. */
export function changesPhotos(augmentation: Augmentation): boolean {
  return augmentation.zoom > 0 || augmentation.rotateDegrees > 0 || augmentation.shearDegrees > 0;
}

/** Refuses (INVALID_ARGUMENT) ranges that would turn a photo into nothing. */
export function checkAugmentation(augmentation: Augmentation): Augmentation {
  const limits = { zoom: 0.9, rotateDegrees: 180, shearDegrees: 80 } as const;
  for (const name of ['zoom', 'rotateDegrees', 'shearDegrees'] as const) {
    const value = augmentation[name];
    if (!(value >= 0 && value <= limits[name])) {
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot augment with ${name} ${value}: it must lie between 0 and ${limits[name]}`,
      );
    }
  }
  return augmentation;
}
