import { AtollError } from '@atoll/base/error';
import { readDataset } from '@atoll/artifacts/dataset';
import type { BlobStore } from '@atoll/artifacts/store';
import type { Photo } from '../dataset/photo.js';
import { type ListedFile, scanTestSet, scanTrainingSet, scanValidationSet } from '../dataset/scan.js';
import type { Stored, TrainingTask } from './messages.js';
import type { TrainingSettings } from './settings.js';

/** Data sets by digest; null = none given. */
export interface AskedSets {
  readonly dataset: string;
  readonly validation: string | null;
  readonly test: string | null;
}

/** Reads the manifests, checks that every photo is in the store, and gives the task that is still without a folder. */
export async function assembleTask(
  store: BlobStore,
  sets: AskedSets,
  settings: TrainingSettings,
): Promise<Omit<TrainingTask, 'workFolder'>> {
  const { classes, photos } = scanTrainingSet(await listedFiles(store, sets.dataset));
  const validation =
    sets.validation === null ? null : scanValidationSet(await listedFiles(store, sets.validation), classes);
  const test = sets.test === null ? null : scanTestSet(await listedFiles(store, sets.test), classes);
  return {
    classes,
    dataset: await withFiles(store, photos),
    validation: validation && (await withFiles(store, validation)),
    test: test && (await withFiles(store, test)),
    settings,
  };
}

async function listedFiles(store: BlobStore, digest: string): Promise<readonly ListedFile[]> {
  const { files } = await readDataset(store, digest);
  return files.map(({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes: Number(sizeBytes) }));
}

async function withFiles<P extends Photo>(store: BlobStore, photos: readonly P[]): Promise<readonly Stored<P>[]> {
  const stored: Stored<P>[] = [];
  for (const photo of photos) {
    const sizeBytes = await store.size(photo.sha256);
    if (sizeBytes === undefined) {
      throw new AtollError('FAILED_PRECONDITION', `cannot train on ${photo.path}: its bytes were not uploaded`);
    }
    if (sizeBytes !== photo.sizeBytes) {
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot train on ${photo.path}: the manifest says ${photo.sizeBytes} bytes and its blob has ${sizeBytes}`,
      );
    }
    stored.push({ ...photo, file: await store.path(photo.sha256) });
  }
  return stored;
}
