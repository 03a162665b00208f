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
import { hostname } from 'node:os';
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
/** Anybody may make a file, and remove his own. */
const forAll = 0o1777;
/** Bytes of a line with a process id and a host's name. */
const longestOwner = 280;

/** Takes the device at `path`; UNAVAILABLE names the process that has it. */
export function lockDevice(path: string): DeviceLock {
  makeFolder();
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
      writeSync(descriptor, `${process.pid} ${hostname()}\n`, 0);
    }
    return {
      release: () => {
        if (writable) rmSync(file, { force: true });
        closeSync(descriptor);
      },
    };
  }
}

/** For all users; one that a container engine made for a mount belongs to root alone until root is here. */
function makeFolder(): void {
  try {
    mkdirSync(lockFolder);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const { uid, mode } = statSync(lockFolder);
    if (uid !== process.getuid?.() || (mode & 0o7777) === forAll) return;
  }
  chmodSync(lockFolder, forAll);
}

/** Reads who has the lock, and closes the file. The process id of another container says nothing without its name. */
function ownerOf(descriptor: number): string {
  const text = Buffer.alloc(longestOwner);
  const sizeBytes = readSync(descriptor, text, 0, text.length, 0);
  closeSync(descriptor);
  const [, pid, host] = /^(\d+)(?: ([\w.-]+))?\n/.exec(text.toString('latin1', 0, sizeBytes)) ?? [];
  if (pid === undefined) return 'another process';
  return host === undefined || host === hostname() ? `process ${pid}` : `process ${pid} of ${host}`;
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
