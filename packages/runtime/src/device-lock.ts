/*
 * One owner a device: a second process that opens an Edge TPU on USB ends the first one (google-coral/edgetpu issue 645). The lock
 * is the kernel's (flock), so it goes with its owner, however that ends; the file tells others who that is. Linux and macOS.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { AtollError, errnoOf } from '@atoll/base/error';

/** A device that is this process's own until released. */
export interface DeviceLock {
  release(): void;
}

/**
 * Where all nodes of a machine look, whoever runs them: memory that services with a /tmp of their own and containers with a
 * read-only root have too, and that is empty after a restart of the machine.
 */
export const lockFolder: string = existsSync('/dev/shm') ? '/dev/shm/atoll-devices' : '/tmp/atoll-devices';

/** LOCK_EX | LOCK_NB, sys/file.h. */
const exclusiveNow = 2 | 4;

/** Takes the device at `path`; UNAVAILABLE names the process that has it. */
export function lockDevice(path: string): DeviceLock {
  try {
    mkdirSync(lockFolder);
    chmodSync(lockFolder, 0o1777);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const file = join(lockFolder, `${path.replaceAll(/[^\w.-]+/g, '_')}.lock`);
  const flock = koffi.load(null).func('int flock(int descriptor, int operation)') as unknown as (
    descriptor: number,
    operation: number,
  ) => number;
  for (;;) {
    const { descriptor, writable } = openLock(file);
    if (flock(descriptor, exclusiveNow) !== 0) throw new AtollError('UNAVAILABLE', `${ownerOf(descriptor)} owns it`);
    // Whoever released it between the two lines above has removed it, and the next one makes another.
    if (statSync(file, { throwIfNoEntry: false })?.ino !== fstatSync(descriptor).ino) {
      closeSync(descriptor);
      continue;
    }
    if (writable) {
      ftruncateSync(descriptor);
      writeSync(descriptor, `${process.pid}\n`, 0);
    }
    return {
      release: () => {
        if (writable) rmSync(file, { force: true });
        closeSync(descriptor);
      },
    };
  }
}

/** Reads who has the lock, and closes the file. */
function ownerOf(descriptor: number): string {
  const text = Buffer.alloc(16);
  readSync(descriptor, text, 0, text.length, 0);
  closeSync(descriptor);
  const pid = /^\d+/.exec(text.toString('latin1'))?.[0];
  return pid === undefined ? 'another process' : `process ${pid}`;
}

/** A file of another user can be locked, but may not be written. */
function openLock(file: string): { descriptor: number; writable: boolean } {
  const { O_RDWR, O_CREAT, O_RDONLY, O_NOFOLLOW } = constants;
  try {
    return { descriptor: openSync(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644), writable: true };
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return { descriptor: openSync(file, O_RDONLY | O_NOFOLLOW), writable: false };
  }
}
