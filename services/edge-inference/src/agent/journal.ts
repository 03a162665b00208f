/**
 * What a node remembers, as one JSON file that is replaced whole: temporary file, fsync, rename, fsync of the folder. A
 * process that ends anywhere in between leaves the old file or the new one. Written synchronously, because the line that says
 * SWAPPING must be on the disk before the flip that it announces.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { type AgentState, emptyState } from './decide.js';
import { diskFailureCode } from './disk-failure.js';
import { stateFromText, stateToText } from './journal-text.js';

/** The few things that a journal does to a disk; each may be the last. */
export interface JournalDisk {
  /** Undefined when there is no such file. */
  read(path: string): string | undefined;
  write(path: string, text: string): void;
  sync(path: string): void;
  rename(from: string, to: string): void;
  syncFolder(path: string): void;
}

/** A node's memory. */
export interface Journal {
  /** What was written last. */
  readonly state: AgentState;
  /** Replaces it; FAILED_PRECONDITION when the disk refuses, and then the old state stays. */
  write(state: AgentState): void;
}

const maxJournalBytes = 256 * 1024;

// The disk of the machine.
const systemDisk: JournalDisk = {
  read: (path) => {
    try {
      if (statSync(path).size > maxJournalBytes)
        throw new AtollError('DATA_LOSS', `it is over ${maxJournalBytes} bytes`);
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  write: (path, text) => withFile(path, 'w', (file) => void writeSync(file, text)),
  sync: (path) => withFile(path, 'r+', fsyncSync),
  rename: renameSync,
  syncFolder: (path) => withFile(path, 'r', fsyncSync),
};

/** Opens the journal of a folder that exists; DATA_LOSS when its file cannot be understood. */
export function openJournal(folder: string, disk: JournalDisk = systemDisk): Journal {
  const path = join(folder, 'journal.json');
  const temporary = join(folder, '.journal.json.tmp');
  let state = read(disk, path);
  return {
    get state() {
      return state;
    },
    write: (next) => {
      try {
        disk.write(temporary, stateToText(next));
        disk.sync(temporary);
        disk.rename(temporary, path);
        disk.syncFolder(dirname(path));
      } catch (error) {
        throw new AtollError('FAILED_PRECONDITION', `cannot write ${path}: ${reasonOf(error)}`, {
          cause: error,
          detail: { reason: diskFailureCode(error) ?? 'DISK_ERROR' },
        });
      }
      state = next;
    },
  };
}

function read(disk: JournalDisk, path: string): AgentState {
  try {
    const text = disk.read(path);
    return text === undefined ? emptyState : stateFromText(text);
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function withFile(path: string, flags: string, use: (file: number) => void): void {
  const file = openSync(path, flags, 0o600);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
