import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeFileAtomic } from './files.js';

const root = await mkdtemp(join(tmpdir(), 'atoll-files-'));
after(() => rm(root, { recursive: true }));

test('writeFileAtomic replaces a file as a whole and leaves no temporary one', async () => {
  const path = join(root, 'a.txt');
  await writeFileAtomic(path, 'one');
  await writeFileAtomic(path, 'two');
  assert.equal(await readFile(path, 'utf8'), 'two');
  assert.deepEqual(await readdir(root), ['a.txt']);
});

test('writeFileAtomic leaves the old file and nothing else when it fails', async () => {
  const folder = join(root, 'missing');
  await assert.rejects(writeFileAtomic(join(folder, 'a.txt'), 'x'), /ENOENT/);
  const blocked = join(root, 'a.txt', 'b.txt');
  await writeFile(join(root, 'c.txt'), 'old');
  await assert.rejects(writeFileAtomic(blocked, 'x'), /ENOTDIR/);
  assert.equal(await readFile(join(root, 'c.txt'), 'utf8'), 'old');
});
