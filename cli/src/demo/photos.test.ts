import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { choosePhotos } from './photos.js';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-demo-photos-'));
  for (const [name, count] of [
    ['deer', 30],
    ['frog', 12],
    ['ship', 600],
  ] as const) {
    await mkdir(join(root, name));
    for (let number = 0; number < count; number++) await writeFile(join(root, name, `${number}.jpg`), '');
  }
});
after(() => rm(root, { recursive: true }));

test('choosePhotos cuts own photos into three sets without a photo in two, every class in each, the same each time', async () => {
  const photos = await choosePhotos({}, root);
  assert.deepEqual(photos, await choosePhotos({}, root));
  const sets = [photos.training, photos.validation, photos.heldOut].map(({ paths }) => paths);
  assert.equal(new Set(sets.flat()).size, sets.flat().length);
  const counts = sets.map((paths) =>
    ['deer', 'frog', 'ship'].map((name) => paths.filter((path) => path.startsWith(name)).length),
  );
  assert.deepEqual(counts, [
    [20, 8, 350],
    [5, 2, 60],
    [5, 2, 60],
  ]);
});

test('choosePhotos refuses a folder with one class, and one with none', async () => {
  await assert.rejects(choosePhotos({}, join(root, 'deer')), /there are no photos in folders, one a class/);
  const lone = await mkdtemp(join(root, 'lone-'));
  await mkdir(join(lone, 'deer'));
  await writeFile(join(lone, 'deer', '1.jpg'), '');
  await assert.rejects(choosePhotos({}, lone), /it has 1 folders with photos, two are the least/);
});
