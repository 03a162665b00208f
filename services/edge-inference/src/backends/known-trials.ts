/*
 * Trials that were made on this machine before, a file each, so that a node starts with what it knows. A file is found by all that
 * a trial depends on: the model's bytes, the libraries' files, the processor, threads and Node. What cannot be read is made anew.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '@atoll/base/files';
import type { ChildSettings } from '../runtime/child-process.js';
import type { ModelPackage } from '../models/model-package.js';
import type { BackendTrial } from './choose.js';
import { cpuBackends } from './choose.js';

/** Files above this size are none of ours. */
const maxBytes = 16_384;

/** Raised when trials are made another way, so that old ones are not believed. */
const generation = 1;

/** See the head of the file. */
export interface KnownTrials {
  find(pkg: ModelPackage): Promise<readonly BackendTrial[] | undefined>;
  keep(pkg: ModelPackage, trials: readonly BackendTrial[]): Promise<void>;
}

/** Kept in this folder, which is made when there is something to keep. */
export function createKnownTrials(directory: string, settings: ChildSettings): KnownTrials {
  const pathOf = async (pkg: ModelPackage): Promise<string> => {
    const { liteRt, tfLite } = settings.libraries;
    const libraries = await Promise.all([liteRt, tfLite].map(identityOf));
    const files = pkg.files.map(({ target, sha256 }) => [target, sha256]);
    const golden = pkg.golden.map(({ input, output }) => [input.sha256, output.sha256]);
    const machine = [cpus()[0]?.model, cpus().length, arch(), process.version, settings.threads];
    const all = JSON.stringify([generation, files, golden, libraries, machine]);
    return join(directory, `${createHash('sha256').update(all).digest('hex')}.json`);
  };
  return {
    async find(pkg) {
      try {
        const path = await pathOf(pkg);
        if ((await stat(path)).size > maxBytes) return undefined;
        return trialsOf(JSON.parse(await readFile(path, 'utf8')));
      } catch {
        // Not there, or not readable: then it is not known.
        return undefined;
      }
    },
    async keep(pkg, trials) {
      await mkdir(directory, { recursive: true });
      await writeFileAtomic(await pathOf(pkg), JSON.stringify(trials));
    },
  };
}

/** A library by its path, size and time; replaced in place it is another. */
async function identityOf(path: string): Promise<unknown> {
  try {
    const { size, mtimeMs } = await stat(path);
    return [path, size, mtimeMs];
  } catch {
    return 'absent';
  }
}

function trialsOf(value: unknown): readonly BackendTrial[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const trials: BackendTrial[] = [];
  for (const one of value as readonly Partial<Record<keyof BackendTrial, unknown>>[]) {
    const backend = cpuBackends.find((name) => name === one.backend);
    const { medianMs, p99Ms, refusal } = one;
    if (backend === undefined || typeof medianMs !== 'number' || typeof p99Ms !== 'number') return undefined;
    trials.push({ backend, medianMs, p99Ms, refusal: typeof refusal === 'string' ? refusal : undefined });
  }
  return trials;
}
