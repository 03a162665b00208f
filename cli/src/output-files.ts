/** Where results land: a folder or file appears under its name only when it is whole. */
import { constants } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { downloadFile } from '@atoll/artifacts/remote';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { temporaryBeside } from '@atoll/base/files';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { Channel } from '@atoll/rpc/channel';

/** Refuses a folder that holds something already, a path that is no folder, and one where none can be made. */
export async function refuseUsedFolder(path: string): Promise<void> {
  try {
    const entries = await readdir(path);
    if (entries.length > 0)
      throw new AtollError('ALREADY_EXISTS', `cannot write to ${path}: the folder is there already and not empty`);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return refuseUnwritableParent(path);
    if (errnoOf(error) === 'ENOTDIR')
      throw new AtollError('ALREADY_EXISTS', `cannot write to ${path}: it is there already and no folder`);
    throw error;
  }
}

/** Refuses, before any work is done, a file that cannot be written: a folder has its name, or no folder can hold it. */
export async function refuseUnwritableFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw new AtollError('ALREADY_EXISTS', `cannot write ${path}: it is a folder`);
  await refuseUnwritableParent(path);
}

/** Looks at the nearest folder above that is there: it must be a folder, and one that may be written to. */
async function refuseUnwritableParent(path: string): Promise<void> {
  const parent = dirname(resolve(path));
  try {
    const found = await stat(parent);
    if (!found.isDirectory()) throw new AtollError('INVALID_ARGUMENT', `${parent} is no folder`);
    await access(parent, constants.W_OK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && parent !== dirname(parent)) return refuseUnwritableParent(parent);
    throw new AtollError('FAILED_PRECONDITION', `cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Makes a folder by filling another one beside it and renaming that; on failure nothing is left. */
export async function writeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await refuseUsedFolder(path);
  const target = resolve(path);
  const temporary = temporaryBeside(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    await mkdir(temporary);
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw refused(path, error);
  }
}

/** Fetches artifacts by digest into a folder under their own names. */
export async function fetchArtifacts(
  channel: Channel,
  artifacts: readonly Artifact[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, sha256 } of artifacts) {
    const parts = name.split('/');
    if (name.startsWith('/') || parts.some((part) => part === '' || part === '.' || part === '..'))
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot keep result ${JSON.stringify(name)}: the name leaves its folder`,
      );
    await downloadFile(channel, sha256, join(folder, ...parts), signal);
  }
}

/** Fetches one artifact by name to a path. */
export async function fetchArtifact(
  channel: Channel,
  artifacts: readonly Artifact[],
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await downloadFile(channel, artifactOf(artifacts, name).sha256, resolve(path), signal);
  } catch (error) {
    throw refused(path, error);
  }
}

/** An artifact of a job by its name. */
export function artifactOf(artifacts: readonly Artifact[], name: string): Artifact {
  const found = artifacts.find((artifact) => artifact.name === name);
  if (found === undefined) throw new AtollError('INTERNAL', `cannot fetch ${name}: the job did not make it`);
  return found;
}

/** A system's refusal in one line that names the path. */
function refused(path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (error instanceof AtollError || errno === undefined) return error;
  const code = errno === 'ENOSPC' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
  const reason = errno === 'ENOSPC' ? 'no space left on the disk' : reasonOf(error);
  return new AtollError(code, `cannot write ${basename(path)} to ${dirname(resolve(path))}: ${reason}`, {
    cause: error,
  });
}
