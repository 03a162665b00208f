import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { refuseUnwritableFile, refuseUsedFolder, writeFolder } from './output-files.js';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-output-'));
});
after(() => rm(root, { recursive: true }));

test('writeFolder shows a folder once it is whole, also over an empty one', async () => {
  for (const name of ['new', 'deep/er', 'empty']) {
    const path = join(root, name);
    if (name === 'empty') await mkdir(path);
    await writeFolder(path, async (folder) => {
      assert.notEqual(folder, path);
      await writeFile(join(folder, 'a'), 'whole');
    });
    assert.equal(await readFile(join(path, 'a'), 'utf8'), 'whole');
  }
});

test('writeFolder leaves nothing when it fails', async () => {
  const untouched = await readdir(root);
  const failing = writeFolder(join(root, 'failed'), async (folder) => {
    await writeFile(join(folder, 'a'), 'half');
    throw new RangeError('no more');
  });
  await assert.rejects(failing, /no more/);
  assert.deepEqual(await readdir(root), untouched);
});

test('refuseUsedFolder refuses what holds something, and a file', async () => {
  await mkdir(join(root, 'used'));
  await writeFile(join(root, 'used', 'a'), '');
  for (const path of [join(root, 'used'), join(root, 'used', 'a')]) {
    await assert.rejects(refuseUsedFolder(path), (error) => isAtollError(error, 'ALREADY_EXISTS'));
  }
  await refuseUsedFolder(join(root, 'not-there'));
});

test('refuseUnwritableFile and refuseUsedFolder refuse at once what has no folder to lie in', async () => {
  await writeFile(join(root, 'file'), '');
  await mkdir(join(root, 'folder'));
  await refuseUnwritableFile(join(root, 'file'));
  await refuseUnwritableFile(join(root, 'not', 'there', 'yet'));
  await assert.rejects(refuseUnwritableFile(join(root, 'folder')), /folder: it is a folder/);
  for (const path of [join(root, 'file', 'a'), join(root, 'file', 'a', 'b')])
    await assert.rejects(refuseUnwritableFile(path), /file/);
  await assert.rejects(refuseUsedFolder(join(root, 'file', 'a', 'b')), /file/);
});
