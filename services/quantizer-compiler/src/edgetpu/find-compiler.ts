import { access, constants } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { AtollError } from '@atoll/base/error';

/** Where the operator's own compiler may be. */
export interface CompilerPlace {
  /** The path that the operator named, or null. */
  readonly named: string | null;
  /** The search path for programs, as in PATH. */
  readonly searchPath: string;
}

/**
 * The compiler's path: the named one, else edgetpu_compiler on the search path, else null. FAILED_PRECONDITION when a named
 * one cannot be run: a plan in its place would not be what was asked for.
 */
export async function findCompiler({ named, searchPath }: CompilerPlace): Promise<string | null> {
  if (named !== null) {
    // It runs in a folder of its own: a path from here would lead nowhere there.
    if (await isRunnable(named)) return resolve(named);
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot use Edge TPU compiler ${named}: it is not there or not executable`,
    );
  }
  for (const folder of searchPath.split(delimiter).filter((one) => one !== '')) {
    const path = resolve(folder, 'edgetpu_compiler');
    if (await isRunnable(path)) return path;
  }
  return null;
}

async function isRunnable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
