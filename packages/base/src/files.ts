import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './error.js';

/** A hidden name beside `path`, unique to this call, so that a rename into place stays on one file system. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/** Removes what processes that have ended left in a folder under names of temporaryBeside: files, and folders whole. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, pid] = /^\..+\.(\d{1,10})\.[0-9a-f]{8}\.tmp$/.exec(name) ?? [];
    const path = join(directory, name);
    if (pid !== undefined && (await isLeft(path, Number(pid)))) await rm(path, { recursive: true, force: true });
  }
}

/** A process id may be in use again, in a container even by this very process: then the file is older than it. */
async function isLeft(path: string, pid: number): Promise<boolean> {
  if (pid === process.pid) return (await stat(path)).mtimeMs < performance.timeOrigin;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

/** Makes a rename or unlink in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file so that any reader, and any restart, sees either the old bytes or all the new ones:
 * temporary name, fsync, rename, fsync of the directory. The directory must exist. On failure nothing is left.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
