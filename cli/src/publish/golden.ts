/**
 * What a release promises to answer: inputs with the outputs that its maker saw. From photos or seeded noise the outputs
 * are computed here with the native runtime; pairs of files are taken as they are.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { imagesIn } from '@atoll/image/images-in';
import { tensorBytes } from '@atoll/runtime/model';
import type { Classifier } from '../classifier.js';

/** The bytes of an input tensor and of the output tensor that belongs to it. */
export interface GoldenPair {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

/** Pairs that a release gets from photos at most, drawn evenly from all of them. */
const maxFromPhotos = 16;
const maxPairs = 64;
const syntheticPairs = 4;

/** The golden pairs of a folder: NAME.input.bin with NAME.output.bin where there are such files, else of its photos. */
export async function goldenFromFolder(folder: string, model: Classifier, signal: AbortSignal): Promise<GoldenPair[]> {
  const names = await namesIn(folder);
  const pairs = names.filter((name) => name.endsWith('.input.bin')).map((name) => name.slice(0, -'.input.bin'.length));
  if (pairs.length > 0) return readPairs(folder, pairs, model);
  const photos = await imagesIn([folder]);
  if (photos.length === 0)
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot make golden cases from ${folder}: it has no photo and no NAME.input.bin`,
    );
  const count = Math.min(photos.length, maxFromPhotos);
  const drawn = Array.from({ length: count }, (_, index) => photos[Math.floor((index * photos.length) / count)]);
  return goldenFromPhotos(
    drawn.flatMap((photo) => (photo === undefined ? [] : [photo.path])),
    model,
    signal,
  );
}

/** The golden pairs of photos, computed with the model itself. */
export async function goldenFromPhotos(
  paths: readonly string[],
  model: Classifier,
  signal: AbortSignal,
): Promise<GoldenPair[]> {
  const pairs: GoldenPair[] = [];
  for (const path of paths) {
    const input = await model.read(path, signal);
    pairs.push({ input, output: await model.run(input) });
  }
  return pairs;
}

/** A few pairs of seeded noise: better than nothing where nobody has photos at hand. */
export async function syntheticGolden(model: Classifier): Promise<GoldenPair[]> {
  const pairs: GoldenPair[] = [];
  for (let seed = 1; seed <= syntheticPairs; seed++) {
    const input = noise(model, seed);
    pairs.push({ input, output: await model.run(input) });
  }
  return pairs;
}

/** Bytes of chained SHA-256; floats lie in 0..1. */
function noise({ input }: Classifier, seed: number): Uint8Array {
  const count = input.shape.reduce((product, size) => product * size, 1);
  const bytes = new Uint8Array(count);
  for (let from = 0; from < count; from += 32) {
    const block = createHash('sha256').update(`${seed}/${from}`).digest();
    bytes.set(block.subarray(0, Math.min(32, count - from)), from);
  }
  return input.dtype === 'float32' ? new Uint8Array(Float32Array.from(bytes, (byte) => byte / 255).buffer) : bytes;
}

async function readPairs(folder: string, names: readonly string[], model: Classifier): Promise<GoldenPair[]> {
  if (names.length > maxPairs)
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use ${names.length} golden pairs of ${folder}: ${maxPairs} are the most`,
    );
  const read = async (path: string, sizeBytes: number): Promise<Uint8Array> => {
    try {
      const { size } = await stat(path);
      if (size !== sizeBytes) throw new AtollError('INVALID_ARGUMENT', `it has ${size} bytes, the tensor ${sizeBytes}`);
      return await readFile(path);
    } catch (error) {
      const reason = errnoOf(error) === 'ENOENT' ? 'there is no such file' : reasonOf(error);
      throw new AtollError('INVALID_ARGUMENT', `cannot read golden case ${path}: ${reason}`, { cause: error });
    }
  };
  return Promise.all(
    names.map(async (name) => ({
      input: await read(join(folder, `${name}.input.bin`), tensorBytes(model.input)),
      output: await read(join(folder, `${name}.output.bin`), tensorBytes(model.output)),
    })),
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'there is no such folder' : reasonOf(error);
    throw new AtollError('INVALID_ARGUMENT', `cannot read golden cases ${folder}: ${reason}`, { cause: error });
  }
}
