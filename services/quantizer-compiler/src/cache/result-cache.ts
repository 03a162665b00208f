// Results of tasks, kept in a folder under the task's key so that the same request need not be worked twice, not even by
// another process. An entry is a folder that appears by a rename, whole or not at all:
//   KEY/result.json   names, digests and sizes of the artifacts, and the warnings that belong to them
//   KEY/0, KEY/1 ...  the artifacts
// What is read is verified by digest; whatever is not as it should be counts as not kept. Beyond its bounds the entries that
// were not asked for the longest go first. Losing an entry costs time and nothing else, so no failure here fails a job.
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '@atoll/artifacts/store';
import type { Clock } from '@atoll/base/clock';
import { parseSha256, type Sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf } from '@atoll/base/error';
import { removeLeftovers, temporaryBeside, writeFileAtomic } from '@atoll/base/files';
import type { Logger } from '@atoll/base/log';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';

/** How much is kept. */
export interface ResultCacheBounds {
  readonly maxEntries: number;
  /** 0 = nothing is kept. */
  readonly maxBytes: number;
}

/** What a cache works with. */
export interface ResultCacheOptions {
  readonly folder: string;
  readonly bounds: ResultCacheBounds;
  /** Where artifacts come from and go to. */
  readonly store: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A kept result. */
export interface KeptResult {
  readonly artifacts: readonly Artifact[];
  readonly warnings: readonly string[];
}

/** The kept results of one folder, which other processes may use at the same time. */
export interface ResultCache {
  /** The result under a key, its artifacts in the store; undefined when it is not kept. */
  find(key: Sha256): Promise<KeptResult | undefined>;
  /** Keeps a result; of two at the same time one stays. */
  keep(key: Sha256, result: KeptResult): Promise<void>;
}

interface Entry {
  readonly artifacts: readonly { readonly name: string; readonly sha256: Sha256; readonly sizeBytes: number }[];
  readonly warnings: readonly string[];
}

/** Largest result.json that is read, in bytes. */
const maxEntryBytes = 4 * 1024 * 1024;

const nothingKept: ResultCache = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() };

/** Opens (and makes) the folder; what a process that was killed left half-written goes. Where none can be made, nothing is kept. */
export async function openResultCache(options: ResultCacheOptions): Promise<ResultCache> {
  const { folder, bounds, store, clock, log } = options;
  if (bounds.maxBytes === 0) return nothingKept;
  try {
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder);
  } catch (error) {
    log.warn('results are not kept', { folder, error });
    return nothingKept;
  }

  const find = async (key: Sha256): Promise<KeptResult | undefined> => {
    const entryFolder = join(folder, parseSha256(key));
    try {
      const { artifacts, warnings } = await readEntry(join(entryFolder, 'result.json'));
      for (const [index, artifact] of artifacts.entries()) {
        if ((await store.size(artifact.sha256)) === undefined)
          await store.put(artifact, read(join(entryFolder, String(index))));
      }
      const now = new Date(clock.nowMs());
      await utimes(entryFolder, now, now);
      return {
        artifacts: artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes: BigInt(sizeBytes) })),
        warnings,
      };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      // The entry is replaced when the result is kept anew.
      log.warn('a kept result is of no use and is made anew', { key, error });
      return undefined;
    }
  };

  const keep = async (key: Sha256, { artifacts, warnings }: KeptResult): Promise<void> => {
    const entry: Entry = {
      artifacts: artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes: Number(sizeBytes) })),
      warnings,
    };
    if (sizeOf(entry) > bounds.maxBytes) return;
    const entryFolder = join(folder, parseSha256(key));
    const temporary = temporaryBeside(entryFolder);
    try {
      await mkdir(temporary);
      for (const [index, { sha256 }] of artifacts.entries())
        await copyFile(await store.path(sha256), join(temporary, String(index)));
      await writeFileAtomic(join(temporary, 'result.json'), JSON.stringify(entry));
      await discard(entryFolder);
      await rename(temporary, entryFolder);
      await evict(folder, bounds, key);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      // Somebody else has just kept the very same result.
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return;
      log.warn('a result is not kept', { key, error });
    }
  };
  return { find, keep };
}

async function readEntry(path: string): Promise<Entry> {
  const { size } = await stat(path);
  if (size > maxEntryBytes) throw new AtollError('DATA_LOSS', `cannot read ${path}: its ${size} bytes are too many`);
  const entry = JSON.parse(await readFile(path, 'utf8')) as Partial<Entry>;
  const { artifacts, warnings } = entry;
  if (!Array.isArray(artifacts) || !Array.isArray(warnings))
    throw new AtollError('DATA_LOSS', `cannot read ${path}: it is no result`);
  return { artifacts, warnings };
}

/** Whoever reads the entry at this moment finds it gone, never half of it. */
async function discard(entryFolder: string): Promise<void> {
  const aside = temporaryBeside(entryFolder);
  try {
    await rename(entryFolder, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function evict(folder: string, { maxEntries, maxBytes }: ResultCacheBounds, newest: Sha256): Promise<void> {
  const entries: { readonly path: string; readonly usedMs: number; readonly sizeBytes: number }[] = [];
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const path = join(folder, name);
    const found = await standing(path);
    if (found !== undefined) entries.push({ path, ...found, ...(name === newest ? { usedMs: Infinity } : {}) });
  }
  entries.sort((a, b) => b.usedMs - a.usedMs);
  let bytes = 0;
  for (const [index, { path, sizeBytes }] of entries.entries()) {
    bytes += sizeBytes;
    if (index >= maxEntries || bytes > maxBytes) await discard(path);
  }
}

/** When an entry was last asked for and what it takes; an unreadable one is as old as can be, one that has gone undefined. */
async function standing(path: string): Promise<{ readonly usedMs: number; readonly sizeBytes: number } | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { usedMs: mtimeMs, sizeBytes: sizeOf(await readEntry(join(path, 'result.json'))) };
  } catch {
    return (await stat(path).catch(() => undefined)) === undefined ? undefined : { usedMs: 0, sizeBytes: 0 };
  }
}

function sizeOf({ artifacts }: Entry): number {
  return artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** A stream that is opened before anybody reads it would fail with nobody to hear it. */
async function* read(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
}
