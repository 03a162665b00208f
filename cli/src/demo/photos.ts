/** Which photos train, validate, calibrate and judge. No photo is in two sets; the draw is a seeded hash of its path. */
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { imagesIn, type ListedImage } from '@atoll/image/images-in';

/** Photos below one folder, by path relative to it with the class first. */
export interface PhotoSet {
  readonly root: string;
  readonly paths: readonly string[];
}

/** The photos of the main job. */
export interface DemoPhotos {
  readonly source: string;
  /** True for the photos that set-up brings: only with these are the figures of accuracy known beforehand. */
  readonly known: boolean;
  readonly classes: readonly string[];
  readonly training: PhotoSet;
  readonly validation: PhotoSet;
  /** Never seen while training. */
  readonly heldOut: PhotoSet;
}

/** Photos of each class at most: enough to learn from in the time that the main job has. */
const mostOfAClass = { training: 350, validation: 60, heldOut: 60 } as const;

/** Chooses the photos. */
export async function choosePhotos(env: Env, own: string | undefined): Promise<DemoPhotos> {
  if (own !== undefined) return ownPhotos(own);
  const { cifar } = cachePaths(env);
  const train = await byClass(join(cifar, 'train'));
  const test = await byClass(join(cifar, 'test'));
  const { training, validation } = mostOfAClass;
  return {
    source: 'six classes of CIFAR-10',
    known: true,
    classes: [...train.keys()],
    training: pick(join(cifar, 'train'), train, 0, training),
    validation: pick(join(cifar, 'train'), train, training, training + validation),
    heldOut: pick(join(cifar, 'test'), test, 0, mostOfAClass.heldOut),
  };
}

/** A person's photos: of each class a sixth is held out and a sixth validates, up to what the main job has time for. */
async function ownPhotos(root: string): Promise<DemoPhotos> {
  const classes = await byClass(root);
  if (classes.size < 2)
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot train on ${root}: it has ${classes.size} folders with photos, two are the least`,
    );
  const cut = (photos: readonly string[], most: number): number =>
    Math.min(most, Math.max(1, Math.floor(photos.length / 6)));
  const part = (name: keyof typeof mostOfAClass): PhotoSet => ({
    root,
    paths: [...classes.values()].flatMap((photos) => {
      const heldOut = cut(photos, mostOfAClass.heldOut);
      const validation = heldOut + cut(photos, mostOfAClass.validation);
      if (name === 'heldOut') return photos.slice(0, heldOut);
      if (name === 'validation') return photos.slice(heldOut, validation);
      return photos.slice(validation, validation + mostOfAClass.training);
    }),
  });
  return {
    source: root,
    known: false,
    classes: [...classes.keys()],
    training: part('training'),
    validation: part('validation'),
    heldOut: part('heldOut'),
  };
}

/** Paths relative to `root` of each class, in the order of a hash, so that any cut is a fair draw. */
async function byClass(root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const images = await imagesIn([root]);
  const labelled = images.filter((image): image is ListedImage & { folder: string } => image.folder !== null);
  if (labelled.length === 0)
    throw new AtollError('INVALID_ARGUMENT', `cannot use ${root}: there are no photos in folders, one a class`);
  const classes = new Map<string, string[]>();
  for (const { path, folder } of labelled) {
    const paths = classes.get(folder) ?? [];
    paths.push(relative(root, path).replaceAll('\\', '/'));
    classes.set(folder, paths);
  }
  for (const paths of classes.values()) paths.sort((a, b) => (hash(a) < hash(b) ? -1 : 1));
  return classes;
}

function pick(root: string, classes: ReadonlyMap<string, readonly string[]>, from: number, to: number): PhotoSet {
  return { root, paths: [...classes.values()].flatMap((paths) => paths.slice(from, to)) };
}

function hash(path: string): string {
  return createHash('sha256').update(path).digest('hex');
}
