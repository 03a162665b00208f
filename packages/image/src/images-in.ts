import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

/** The file name endings, lower case, that decodeImage reads. */
export const imageExtensions: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];

/** A photo on disk; `folder` is the class folder that holds it, null for one named directly or lying in a flat folder. */
export interface ListedImage {
  readonly path: string;
  readonly folder: string | null;
}

/** True for a visible file name with one of the endings of `imageExtensions`. */
export function isImageName(name: string): boolean {
  return !name.startsWith('.') && imageExtensions.includes(extname(name).toLowerCase());
}

/**
 * The photos that paths mean, in a stable order: a file is taken as it is; a folder gives the photos in it, then those one
 * level below, folder by folder, names sorted by code unit. Other files are passed over. NOT_FOUND for a path that is not there.
 */
export async function imagesIn(paths: readonly string[]): Promise<readonly ListedImage[]> {
  const found: ListedImage[] = [];
  for (const path of paths) found.push(...(await imagesAt(path)));
  return found;
}

async function imagesAt(path: string): Promise<readonly ListedImage[]> {
  if (!(await isFolder(path))) return [{ path, folder: null }];
  const entries = await sortedEntries(path);
  const found: ListedImage[] = entries
    .filter((entry) => !entry.isDirectory() && isImageName(entry.name))
    .map((entry) => ({ path: join(path, entry.name), folder: null }));
  for (const entry of entries) {
    const inside = join(path, entry.name);
    if (entry.name.startsWith('.') || !(await leadsToFolder(entry, inside))) continue;
    for (const image of await sortedEntries(inside)) {
      if (image.isDirectory() || !isImageName(image.name)) continue;
      found.push({ path: join(inside, image.name), folder: entry.name });
    }
  }
  return found;
}

async function leadsToFolder(entry: Dirent, path: string): Promise<boolean> {
  if (entry.isSymbolicLink()) return await isFolder(path);
  return entry.isDirectory();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function sortedEntries(path: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AtollError {
  if (errnoOf(error) === 'ENOENT')
    return new AtollError('NOT_FOUND', `cannot read ${path}: there is no such file or folder`);
  return new AtollError('INVALID_ARGUMENT', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
}
