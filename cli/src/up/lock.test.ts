import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { lockDataDir } from './lock.js';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-lock-'));
});
after(() => rm(root, { recursive: true }));

test('lockDataDir is held by one, and can be taken again once it is released', async () => {
  const release = await lockDataDir(root);
  await assert.rejects(
    lockDataDir(root),
    (error) => isAtollError(error, 'FAILED_PRECONDITION') && error.message.includes(`process ${process.pid} runs one`),
  );
  await release();
  await (
    await lockDataDir(root)
  )();
});

test('lockDataDir takes over from a process that is gone, also when another has its id by now', async () => {
  for (const left of ['999999999 5\n', `${process.pid} 1\n`, '', 'x']) {
    await writeFile(join(root, 'up.lock'), left);
    await (
      await lockDataDir(root)
    )();
  }
});
