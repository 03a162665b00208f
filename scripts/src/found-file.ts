import { stat } from 'node:fs/promises';
import { errnoOf } from '@atoll/base/error';

/** The path itself when a file is there that is not empty, else undefined. */
export async function foundFile(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size > 0 ? path : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
