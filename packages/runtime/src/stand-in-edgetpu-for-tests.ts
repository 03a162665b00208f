/*
 * Builds stand-in-libedgetpu.c, whose head tells what it does, and speaks with it. What it computes, a test computes here too.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { errnoOf } from '@atoll/base/error';
import { lockFolder } from './device-lock.js';

/** What becomes of the runs on its devices; `refuse` is for those that are opened. */
export type Fate = 'ok' | 'error' | 'abort' | 'hang' | 'refuse' | `slow ${number}`;

/** A stand-in of libedgetpu in a folder of its own. */
export interface StandIn {
  readonly folder: string;
  /** Path of the shared library. */
  readonly library: string;
  /** What is plugged in from now on, as `usb:PATH` or `pci:PATH`. */
  plug(devices: readonly string[]): Promise<void>;
  fate(fate: Fate): Promise<void>;
  /** The number of the runtime that it says it is. */
  version(number: number): Promise<void>;
  /** Everything that happened to it, "WORD ..." each, with the process that it happened in. */
  journal(): Promise<readonly { readonly pid: number; readonly line: string }[]>;
  remove(): Promise<void>;
}

/** Why there can be no stand-in on this machine, with the remedy, or false. */
export function standInMissing(): string | false {
  if (!existsSync(cachePaths(process.env).tfLite))
    return 'TFLite is not in the cache; npm start or npm test fetches it';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'there is no C compiler (cc) to build the stand-in for libedgetpu with; install gcc';
  }
}

/** Builds one; at first one device is plugged in, at a place that no other stand-in has. */
export async function buildStandIn(): Promise<StandIn & { readonly devices: readonly string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-edgetpu-'));
  const library = join(folder, 'libedgetpu.so.1');
  const source = join(import.meta.dirname, '../src/stand-in-libedgetpu.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl']);
  /** Whole at every moment, for a process that reads it meanwhile. */
  const tell = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  };
  const plug = (all: readonly string[]): Promise<void> =>
    tell('devices', all.map((device) => `${device.startsWith('usb:') ? 1 : 0} ${device.slice(4)}\n`).join(''));
  const devices = [`usb:${folder}/usb/2-1`];
  await plug(devices);
  return {
    folder,
    library,
    devices,
    plug,
    fate: (fate) => tell('fate', fate),
    version: (number) => tell('version', String(number)),
    async journal() {
      try {
        const lines = (await readFile(join(folder, 'journal'), 'utf8')).split('\n').slice(0, -1);
        return lines.map((text) => {
          const [pid = '', ...words] = text.split(' ');
          return { pid: Number(pid), line: words.join(' ') };
        });
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async remove() {
      await rm(folder, { recursive: true, force: true });
      // A process that was killed, as tests do, leaves the file of its lock.
      for (const name of await readdir(lockFolder)) {
        if (name.includes(basename(folder))) await rm(join(lockFolder, name), { force: true });
      }
    },
  };
}

/** What the stand-in answers: uint8 outputs of these sizes, for an operator with these custom options and these inputs. */
export function standInAnswer(
  customOptions: Uint8Array,
  inputs: readonly Uint8Array[],
  outputBytes: readonly number[],
): readonly Uint8Array[] {
  let hash = 2_166_136_261;
  for (const bytes of [customOptions, ...inputs]) for (const byte of bytes) hash = Math.imul(hash ^ byte, 16_777_619);
  return outputBytes.map((sizeBytes, i) =>
    Uint8Array.from(
      { length: sizeBytes },
      (_, j) => Math.imul(Math.imul(hash ^ (i + 1), 2 * j + 1), 2_654_435_761) >>> 24,
    ),
  );
}
