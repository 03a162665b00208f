/** One `atoll up` a data directory: a file with the id of the process that holds it, and when that process began. */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf } from '@atoll/base/error';
import { isAlive } from './fleet-file.js';

/** Takes the lock and gives what releases it; FAILED_PRECONDITION names the process that has it. */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, 'up.lock');
  for (let tried = 0; ; tried++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(`${process.pid} ${await beganAt(process.pid)}\n`);
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || tried > 2) throw error;
      const holder = await holderOf(path);
      if (holder !== undefined)
        throw new AtollError(
          'FAILED_PRECONDITION',
          `cannot start a fleet in ${dataDir}: process ${holder} runs one there already`,
        );
      // Its process is gone, by a kill or a power cut.
      await rm(path, { force: true });
    }
  }
}

async function holderOf(path: string): Promise<number | undefined> {
  const [pid = '', began = ''] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
  const holder = Number(pid);
  if (!Number.isInteger(holder) || holder < 1 || !isAlive(holder)) return undefined;
  // The same id may belong to another process by now.
  return (await beganAt(holder)) === began ? holder : undefined;
}

/** Field 22 of /proc/PID/stat: ticks since boot at which a process began; "0" where there is no /proc. */
async function beganAt(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch (error) {
    if (errnoOf(error) !== undefined) return '0';
    throw error;
  }
}
