import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PixelCache } from './pixel-cache.js';

describe('PixelCache', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-pixels-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('gives back each slot, in any order of writing', async () => {
    const cache = await PixelCache.create(join(folder, 'a.u8'), 3, 4);
    await cache.write(2, Uint8Array.of(9, 8, 7, 6));
    await cache.write(0, Uint8Array.of(1, 2, 3, 4));
    const photo = new Uint8Array(4);
    cache.read(2, photo);
    assert.deepEqual([...photo], [9, 8, 7, 6]);
    cache.read(0, photo);
    assert.deepEqual([...photo], [1, 2, 3, 4]);
    await cache.close();
  });

  test('refuses a read behind what was written', async () => {
    const cache = await PixelCache.create(join(folder, 'b.u8'), 3, 4);
    await cache.write(0, Uint8Array.of(1, 2, 3, 4));
    assert.throws(() => cache.read(1, new Uint8Array(4)), { code: 'DATA_LOSS' });
    await cache.close();
  });

  test('refuses before it writes when the disk has no room', async () => {
    const create = PixelCache.create(join(folder, 'c.u8'), 2 ** 40, 30_000);
    await assert.rejects(create, {
      code: 'RESOURCE_EXHAUSTED',
      message: /^cannot cache \d+ decoded photos: they take .* MB and the disk has .* MB free$/,
    });
    assert.ok(!(await readdir(folder)).includes('c.u8'));
  });
});
