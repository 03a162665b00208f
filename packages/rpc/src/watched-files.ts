import { open } from 'node:fs/promises';
import { sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';

/** No certificate, key or list of tokens is longer. */
const maxFileBytes = 1024 * 1024;
const lookEveryMs = 2_000;

/** What files hold, in whatever state it was last good. */
export interface Watched<T> {
  readonly value: T;
  /** Told after each change; the function that it gives ends that. */
  readonly onChange: (listener: () => void) => () => void;
  /** Looks now instead of in a while; resolves when what is there now is in force or was refused. */
  readonly look: () => Promise<void>;
  readonly stop: () => void;
}

/**
 * Reads files, makes a value of them, and again whenever their bytes change: what is wrong then, as a certificate whose key is
 * not there yet, is told in one line and the value before stays. Throws when the first reading fails.
 */
export async function watchFiles<T>(
  paths: readonly string[],
  make: (files: readonly Buffer[]) => T,
  log: Logger,
): Promise<Watched<T>> {
  const listeners = new Set<() => void>();
  const first = await readAll(paths);
  let value = make(first);
  let seen = digestOf(first);
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    let digest = 'unreadable';
    try {
      const files = await readAll(paths);
      digest = digestOf(files);
      if (digest === seen) return;
      value = make(files);
      for (const listener of listeners) listener();
      log.info('files were read again', { paths });
    } catch (error) {
      if (digest !== seen) log.warn('changed files are not used', { paths, reason: reasonOf(error) });
    } finally {
      seen = digest;
    }
  };
  const inTurn = (): Promise<void> => (looking = looking.then(look));
  const timer = setInterval(() => void inTurn(), lookEveryMs);
  timer.unref();
  return {
    get value() {
      return value;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    look: inTurn,
    stop: () => clearInterval(timer),
  };
}

async function readAll(paths: readonly string[]): Promise<readonly Buffer[]> {
  return Promise.all(paths.map(readSmall));
}

/** The bytes of a short file; FAILED_PRECONDITION names it and what is wrong. */
export async function readSmall(path: string): Promise<Buffer> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > maxFileBytes)
        throw new AtollError('FAILED_PRECONDITION', `it has ${size} bytes, more than ${maxFileBytes}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'it does not exist' : reasonOf(error);
    throw new AtollError('FAILED_PRECONDITION', `cannot read ${path}: ${why}`, { cause: error });
  }
}

function digestOf(files: readonly Buffer[]): string {
  return files.map((bytes) => sha256(bytes)).join();
}
