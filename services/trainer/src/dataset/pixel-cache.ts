import { type FileHandle, open, statfs } from 'node:fs/promises';
import { readSync } from 'node:fs';
import { dirname } from 'node:path';
import { AtollError } from '@atoll/base/error';

/** Kept free on the disk for everything that is not pixels. */
const reserveBytes = 64 * 1024 * 1024;

/**
 * Decoded photos in one file, each in a slot of the same size: photos are decoded once, memory stays the same for any number
 * of them, and the operating system keeps in memory what fits. Reads are synchronous, for they serve the training loop.
 */
export class PixelCache {
  readonly #file: FileHandle;
  readonly #bytesPerPhoto: number;

  private constructor(file: FileHandle, bytesPerPhoto: number) {
    this.#file = file;
    this.#bytesPerPhoto = bytesPerPhoto;
  }

  /** Creates the file for `photos` slots; RESOURCE_EXHAUSTED when the disk has no room for them. */
  static async create(path: string, photos: number, bytesPerPhoto: number): Promise<PixelCache> {
    const { bavail, bsize } = await statfs(dirname(path));
    const [neededBytes, freeBytes] = [photos * bytesPerPhoto, bavail * bsize];
    if (neededBytes + reserveBytes > freeBytes) {
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        `cannot cache ${photos} decoded photos: they take ${megabytes(neededBytes)} and the disk has ${megabytes(freeBytes)} free`,
      );
    }
    return new PixelCache(await open(path, 'wx+'), bytesPerPhoto);
  }

  /** Fills a slot. */
  async write(slot: number, pixels: Uint8Array): Promise<void> {
    await this.#file.write(pixels, 0, this.#bytesPerPhoto, slot * this.#bytesPerPhoto);
  }

  /** Reads a filled slot into `into`, which is exactly one photo long. */
  read(slot: number, into: Uint8Array): void {
    const read = readSync(this.#file.fd, into, 0, this.#bytesPerPhoto, slot * this.#bytesPerPhoto);
    if (read !== this.#bytesPerPhoto) {
      throw new AtollError('DATA_LOSS', `cannot read decoded photo ${slot}: its cache ends after ${read} bytes of it`);
    }
  }

  /** Closes the file; whoever made the folder removes it. */
  async close(): Promise<void> {
    await this.#file.close();
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}
