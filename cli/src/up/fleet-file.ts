/** atoll.json: where a running fleet is, kept in its data directory while it runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

/** A running fleet as `atoll up --json` tells it. */
export interface FleetDescription {
  /** The rollout controller: the address that fleet verbs use. */
  readonly server: string;
  readonly trainer: string;
  readonly quantizerCompiler: string;
  readonly registry: string;
  readonly nats: string;
  readonly nodes: readonly { readonly id: string; readonly address: string }[];
  readonly dataDir: string;
  /** Of `atoll up`. */
  readonly pid: number;
}

/** The file's path in a data directory. */
export function fleetFilePath(dataDir: string): string {
  return join(dataDir, 'atoll.json');
}

/** The fleet that runs with this data directory; undefined when there is none. */
export async function readFleetFile(dataDir: string): Promise<FleetDescription | undefined> {
  const path = fleetFilePath(dataDir);
  try {
    const read = JSON.parse(await readFile(path, 'utf8')) as FleetDescription;
    if (typeof read.server !== 'string' || typeof read.pid !== 'number')
      throw new AtollError('INVALID_ARGUMENT', 'it names no server');
    return isAlive(read.pid) ? read : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** True while a process with this id is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
