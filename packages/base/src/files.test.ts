import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { removeLeftovers, temporaryBeside, writeFileAtomic } from './files.js';

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

test('removeLeftovers removes what ended processes left half-written, and nothing else', async () => {
  const folder = join(root, 'leftovers');
  await mkdir(folder);
  const ours = temporaryBeside(join(folder, 'a'));
  const earlier = temporaryBeside(join(folder, 'b'));
  // 4,194,304 is the largest process id that Linux gives, and no process has it.
  const ended = join(folder, '.c.4194304.0123abcd.tmp');
  const kept = ['c', '.hidden', '.c.tmp', '.c.4194304.xyz.tmp'].map((name) => join(folder, name));
  for (const path of [ours, earlier, ended, ...kept]) await writeFile(path, 'x');
  const endedFolder = join(folder, '.d.4194304.0123abcd.tmp');
  await mkdir(join(endedFolder, 'inner'), { recursive: true });
  await utimes(earlier, 1, 1);
  await removeLeftovers(folder);
  const left = (await readdir(folder)).map((name) => join(folder, name));
  assert.deepEqual(left.toSorted(), [ours, ...kept].toSorted());
});
