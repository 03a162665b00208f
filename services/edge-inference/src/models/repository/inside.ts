/*
 * Reading below one folder and nowhere else. A name may be a symbolic link, as in mounted volumes, when what it leads to lies in
 * the folder too; everything else is refused, and so are devices, pipes and files above a size, before a byte of them is read.
 */
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { sha256 } from '@atoll/base/digest';
import type { Sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

/** A file that was read: where it really lies, and its bytes. */
export interface ReadFile {
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
}

/** Names of a folder of more than this are refused: somebody pointed at the wrong place. */
const maxNames = 10_000;

/** Where `path` below `root` really lies; NOT_FOUND when there is nothing, INVALID_ARGUMENT when that is outside of the root. */
export async function resolveInside(root: string, ...path: readonly string[]): Promise<string> {
  const shown = join(root, ...path);
  try {
    const [base, real] = await Promise.all([realpath(root), realpath(shown)]);
    const way = relative(base, real);
    if (way === '..' || way.startsWith(`..${sep}`) || way.startsWith(sep)) {
      throw new AtollError('INVALID_ARGUMENT', `cannot read ${shown}: it leads out of the repository`);
    }
    return real;
  } catch (error) {
    throw cannotRead(shown, error);
  }
}

/** The names in a folder, sorted. */
export async function namesInside(root: string, ...path: readonly string[]): Promise<readonly string[]> {
  const real = await resolveInside(root, ...path);
  try {
    const names = await readdir(real);
    if (names.length <= maxNames) return names.toSorted();
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${real}: its ${names.length} names exceed ${maxNames}`);
  } catch (error) {
    throw cannotRead(real, error);
  }
}

/** Reads a regular file of at most `maxBytes`. */
export async function readInside(root: string, path: readonly string[], maxBytes: number): Promise<ReadFile> {
  const real = await resolveInside(root, ...path);
  try {
    // Not blocking, so that a pipe without a writer does not hold the node; no link, so that it is what was resolved.
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new AtollError('INVALID_ARGUMENT', `cannot read ${real}: it is not a file`);
      if (stat.size > maxBytes) {
        throw new AtollError(
          'INVALID_ARGUMENT',
          `cannot read ${real}: its ${stat.size} bytes exceed the limit of ${maxBytes}`,
        );
      }
      const bytes = await file.readFile();
      return { path: real, sha256: sha256(bytes), sizeBytes: bytes.byteLength, bytes };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw cannotRead(real, error);
  }
}

function cannotRead(path: string, error: unknown): AtollError {
  if (error instanceof AtollError) return error;
  const errno = errnoOf(error);
  const words = { ENOENT: 'there is no such file or folder', ENOTDIR: 'it is not a folder' }[errno ?? ''];
  const code = errno === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_ARGUMENT';
  return new AtollError(code, `cannot read ${path}: ${words ?? reasonOf(error)}`, { cause: error });
}
