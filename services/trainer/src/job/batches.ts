import { randomAffine, rescaleInto, warpInto } from '../augment/affine.js';
import { type Augmentation, changesPhotos } from '../augment/augmentation.js';
import { randomStream } from '../augment/random.js';
import type { Decoded } from '../dataset/decode-photos.js';
import type { Photo } from '../dataset/photo.js';
import type { PixelCache } from '../dataset/pixel-cache.js';

/** How photos are changed in one epoch; null = they are taken as they are. */
export interface BatchAugmentation {
  readonly ranges: Augmentation;
  readonly seed: number;
  readonly epoch: number;
}

/** Fills one buffer with batch after batch: count x size x size x 3 in 0..1. A batch lasts until the next one is filled. */
export class BatchFiller {
  readonly #cache: PixelCache;
  readonly #imageSize: number;
  readonly #photo: Uint8Array;
  readonly #pixels: Float32Array;

  constructor(cache: PixelCache, imageSize: number, maxCount: number) {
    this.#cache = cache;
    this.#imageSize = imageSize;
    this.#photo = new Uint8Array(imageSize * imageSize * 3);
    this.#pixels = new Float32Array(maxCount * this.#photo.length);
  }

  /** Each photo's change depends on seed, epoch and its own bytes, not on its place in the order. */
  fill(photos: readonly Decoded<Photo>[], augmentation: BatchAugmentation | null): Float32Array {
    const length = this.#photo.length;
    photos.forEach((photo, i) => {
      this.#cache.read(photo.slot, this.#photo);
      if (augmentation === null || !changesPhotos(augmentation.ranges)) {
        rescaleInto(this.#photo, this.#pixels, i * length);
      } else {
        const { ranges, seed, epoch } = augmentation;
        const affine = randomAffine(ranges, randomStream(seed, 'augment', epoch, photo.sha256));
        warpInto(this.#photo, this.#imageSize, affine, this.#pixels, i * length);
      }
    });
    return this.#pixels;
  }
}
