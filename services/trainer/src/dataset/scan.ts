import type { Sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import type { LabelledPhoto, Photo } from './photo.js';

/** A file of a data set before anything is known of its class. */
export interface ListedFile {
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

/** Classes in label order (folder names by code unit) and all photos by path. */
export interface LabelledSet {
  readonly classes: readonly string[];
  readonly photos: readonly LabelledPhoto[];
}

/** Reads classes from the first folder of each path; INVALID_ARGUMENT without photos, without folders or with a single class. */
export function scanTrainingSet(files: readonly ListedFile[]): LabelledSet {
  if (files.length === 0) throw refuse('it holds no photo');
  const loose = files.find((file) => classOf(file.path) === null);
  if (loose !== undefined) throw refuse(`${loose.path} does not lie in the folder of a class`);
  const unprintable = files.find((file) => /\p{Cc}/u.test(classOf(file.path) ?? ''));
  if (unprintable !== undefined)
    throw refuse(`class ${JSON.stringify(classOf(unprintable.path))} has a control character`);
  const classes = [...new Set(files.map((file) => classOf(file.path) ?? ''))].sort();
  if (classes.length === 1) throw refuse(`it has one class, ${classes[0]}, and at least two are needed`);
  return { classes, photos: labelled(files, classes) };
}

/** A validation set must hold photos of the training set's classes and no others. */
export function scanValidationSet(files: readonly ListedFile[], classes: readonly string[]): readonly LabelledPhoto[] {
  if (files.length === 0) throw refuse('it holds no photo', 'validation set');
  for (const { path } of files) {
    const name = classOf(path);
    if (name === null || !classes.includes(name)) {
      throw refuse(`${path} is of none of the classes ${classes.join(', ')}`, 'validation set');
    }
  }
  return labelled(files, classes);
}

/** A test set may be flat: photos outside the folders of known classes have no label. */
export function scanTestSet(files: readonly ListedFile[], classes: readonly string[]): readonly Photo[] {
  if (files.length === 0) throw refuse('it holds no photo', 'test set');
  return byPath(files).map((file) => {
    const label = classes.indexOf(classOf(file.path) ?? '');
    return { ...file, label: label < 0 ? null : label };
  });
}

function labelled(files: readonly ListedFile[], classes: readonly string[]): readonly LabelledPhoto[] {
  return byPath(files).map((file) => ({ ...file, label: classes.indexOf(classOf(file.path) ?? '') }));
}

function byPath(files: readonly ListedFile[]): readonly ListedFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function classOf(path: string): string | null {
  const slash = path.indexOf('/');
  return slash > 0 ? path.slice(0, slash) : null;
}

function refuse(reason: string, what = 'data set'): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot train on this ${what}: ${reason}`);
}
