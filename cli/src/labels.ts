import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

const maxLabelsBytes = 4 * 1024 * 1024;

/** Class names of a file, one a line; NOT_FOUND when it is not there. */
export async function readLabelsFile(path: string): Promise<readonly string[]> {
  try {
    const { size } = await stat(path);
    if (size > maxLabelsBytes) throw new AtollError('INVALID_ARGUMENT', `it has ${size} bytes`);
    const lines = (await readFile(path, 'utf8')).trimEnd().split(/\r?\n/);
    if (lines.includes('')) throw new AtollError('INVALID_ARGUMENT', 'a line is empty');
    return lines;
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT';
    throw new AtollError(
      missing ? 'NOT_FOUND' : 'INVALID_ARGUMENT',
      `cannot read labels ${path}: ${missing ? 'there is no such file' : reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** The labels of a model: of the file that is named, else of labels.txt beside it or one folder up, else none. */
export async function readLabelsFor(model: string, named: string | undefined): Promise<readonly string[]> {
  if (named !== undefined) return readLabelsFile(named);
  const folder = dirname(model);
  for (const path of [join(folder, 'labels.txt'), join(folder, '..', 'labels.txt')]) {
    try {
      return await readLabelsFile(path);
    } catch (error) {
      if (!(error instanceof AtollError) || error.code !== 'NOT_FOUND') throw error;
    }
  }
  return [];
}
