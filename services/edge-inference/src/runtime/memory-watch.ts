/*
 * Keeps the memory of runtime processes bounded: one that holds more than it may is ended, as a crash of it, so the slot replaces
 * it and the model that ran is blamed. Where memory is short nevertheless, the kernel is told to take a runtime process before
 * the front. Both need Linux' /proc; elsewhere the watch says that it is off.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { errnoOf, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';

/** What to watch. */
export interface MemoryWatchOptions {
  /** Resident bytes that one process may hold; undefined = no bound. */
  readonly limitBytes: number | undefined;
  /** Process ids of the present children. */
  readonly pids: () => readonly number[];
  readonly log: Logger;
  readonly platform: NodeJS.Platform;
}

/** A running watch. */
export interface MemoryWatch {
  stop(): void;
}

const lookEveryMs = 100;
/** Of 1,000: the first to go when the kernel is out of memory, but for what asked for it itself. */
const oomScoreAdjustment = 800;

/** Starts the watch. */
export function watchMemory({ limitBytes, pids, log, platform }: MemoryWatchOptions): MemoryWatch {
  if (platform !== 'linux') {
    if (limitBytes !== undefined) log.warn('the memory of runtime processes is not bounded: it needs Linux');
    return { stop: () => undefined };
  }
  let known = new Set<number>();

  const look = async (): Promise<void> => {
    const now = new Set(pids());
    for (const pid of now) {
      if (!known.has(pid)) await offerToKernel(pid, log);
      const bytes = limitBytes === undefined ? 0 : await residentBytes(pid);
      // It may have ended meanwhile, and its number may be another process's.
      if (limitBytes === undefined || bytes <= limitBytes || !pids().includes(pid)) continue;
      log.warn('a runtime process holds more memory than it may and is ended', { pid, bytes, limitBytes });
      end(pid);
    }
    known = now;
  };
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => log.error('the memory of runtime processes could not be looked at', { error }))
      .finally(() => (looking = false));
  }, lookEveryMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** 0 for a process that is not there. */
async function residentBytes(pid: number): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return 0;
    throw error;
  }
}

async function offerToKernel(pid: number, log: Logger): Promise<void> {
  try {
    await writeFile(`/proc/${pid}/oom_score_adj`, String(oomScoreAdjustment));
  } catch (error) {
    log.debug('the kernel was not told to take a runtime process first', { pid, reason: reasonOf(error) });
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
