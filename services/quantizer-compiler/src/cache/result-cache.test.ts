import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileStore } from '@atoll/artifacts/file-store';
import type { BlobStore } from '@atoll/artifacts/store';
import { sha256 } from '@atoll/base/digest';
import { silentLogger } from '@atoll/base/log';
import { type KeptResult, openResultCache, type ResultCache } from './result-cache.js';

const bounds = { maxEntries: 3, maxBytes: 1000 };

describe('openResultCache', () => {
  let root = '';
  let nowMs = 1_000_000;
  let made = 0;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-results-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const clock = { nowMs: () => (nowMs += 60_000), monotonicMs: () => 0 };
  const newStore = (): Promise<BlobStore> => openFileStore(join(root, `store-${made++}`));

  async function open(folder: string, changes: Partial<typeof bounds> = {}) {
    const store = await newStore();
    const cache = await openResultCache({ folder, bounds: { ...bounds, ...changes }, store, clock, log: silentLogger });
    return { store, cache };
  }

  async function result(store: BlobStore, text: string, warnings: readonly string[] = []): Promise<KeptResult> {
    const bytes = Buffer.from(text);
    await store.put({ sha256: sha256(bytes), sizeBytes: bytes.length }, chunks(bytes));
    return { artifacts: [{ name: 'model.tflite', sha256: sha256(bytes), sizeBytes: BigInt(bytes.length) }], warnings };
  }

  async function keepNamed(cache: ResultCache, store: BlobStore, name: string, sizeBytes: number): Promise<void> {
    await cache.keep(sha256(name), await result(store, name.padEnd(sizeBytes)));
  }

  it('gives what was kept to another process with a store of its own, artifacts and warnings', async () => {
    const folder = join(root, 'shared');
    const first = await open(folder);
    const kept = await result(first.store, 'int8', ['few photos']);
    await first.cache.keep(sha256('key'), kept);
    const second = await open(folder);
    assert.deepEqual(await second.cache.find(sha256('key')), kept);
    assert.equal(await second.store.size(sha256('int8')), 4);
    assert.equal(await second.cache.find(sha256('other')), undefined);
  });

  it('does not give what was damaged, and lets it be kept anew', async () => {
    for (const damage of [
      (entry: string) => writeFile(join(entry, '0'), 'INT8'),
      (entry: string) => truncate(join(entry, '0'), 2),
      (entry: string) => rm(join(entry, '0')),
      (entry: string) => writeFile(join(entry, 'result.json'), '{"artifacts":'),
      (entry: string) => writeFile(join(entry, 'result.json'), '{"artifacts":[{"sha256":"../../x"}],"warnings":[]}'),
    ]) {
      const folder = join(root, `damaged-${made}`);
      const { store, cache } = await open(folder);
      const kept = await result(store, 'int8');
      await cache.keep(sha256('key'), kept);
      await damage(join(folder, sha256('key')));
      const { cache: other } = await open(folder);
      assert.equal(await other.find(sha256('key')), undefined);
      await cache.keep(sha256('key'), kept);
      assert.deepEqual(await other.find(sha256('key')), kept);
    }
  });

  it('of two that keep the same at the same time one stays, and nothing half-written', async () => {
    const folder = join(root, 'together');
    const [a, b] = [await open(folder), await open(folder)];
    const kept = await result(a.store, 'int8');
    await result(b.store, 'int8');
    await Promise.all(Array.from({ length: 8 }, (_, i) => (i % 2 ? a : b).cache.keep(sha256('key'), kept)));
    assert.deepEqual(await readdir(folder), [sha256('key')]);
    assert.deepEqual(await a.cache.find(sha256('key')), kept);
  });

  it('lets go first what was not asked for the longest, by count and by bytes', async () => {
    const folder = join(root, 'bounded');
    const { store, cache } = await open(folder);
    const found = async (names: readonly string[]): Promise<string[]> => {
      const held = await readdir(folder);
      return names.filter((name) => held.includes(sha256(name)));
    };
    for (const name of ['a', 'b', 'c']) {
      await keepNamed(cache, store, name, 100);
      await cache.find(sha256(name));
    }
    await cache.find(sha256('a'));
    await keepNamed(cache, store, 'd', 100);
    assert.deepEqual(await found(['a', 'b', 'c', 'd']), ['a', 'c', 'd']);
    await cache.find(sha256('d'));
    await keepNamed(cache, store, 'e', 850);
    assert.deepEqual(await found(['a', 'c', 'd', 'e']), ['d', 'e']);
    await keepNamed(cache, store, 'too large', 1001);
    assert.deepEqual(await found(['d', 'e', 'too large']), ['d', 'e']);
  });

  it('keeps nothing where the bound is 0 or the folder cannot be made', async () => {
    const barrier = join(root, 'file');
    await writeFile(barrier, '');
    for (const { cache, store } of [await open(join(root, 'none'), { maxBytes: 0 }), await open(join(barrier, 'x'))]) {
      await cache.keep(sha256('key'), await result(store, 'int8'));
      assert.equal(await cache.find(sha256('key')), undefined);
    }
  });

  it(
    'a full or closed folder costs the entry and nothing else',
    { skip: process.getuid?.() === 0 && 'root may write everywhere' },
    async () => {
      const folder = join(root, 'closed');
      const { store, cache } = await open(folder);
      await chmod(folder, 0o555);
      await cache.keep(sha256('key'), await result(store, 'int8'));
      await chmod(folder, 0o755);
      assert.deepEqual(await readdir(folder), []);
    },
  );
});

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
