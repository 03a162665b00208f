import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../support/repository.js';

const buf = join(repositoryRoot, 'node_modules/.bin/buf');
const image = join(repositoryRoot, 'proto/image.binpb');

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function runBuf(args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(buf, args, { cwd, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: stdout + stderr });
    });
  });
}

/** A copy of the contract that a test may damage. */
async function withCopy(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-proto-'));
  try {
    await cp(join(repositoryRoot, 'proto'), join(folder, 'proto'), { recursive: true });
    await cp(join(repositoryRoot, 'buf.yaml'), join(folder, 'buf.yaml'));
    await check(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('proto', () => {
  test('buf lint finds nothing', async () => {
    assert.deepEqual(await runBuf(['lint'], repositoryRoot), { code: 0, output: '' });
  });

  test('buf breaking finds nothing against the last released contract', async () => {
    assert.deepEqual(await runBuf(['breaking', '--against', image], repositoryRoot), { code: 0, output: '' });
  });

  test('buf breaking refuses a field that changes its type', () =>
    withCopy(async (folder) => {
      const path = join(folder, 'proto/atoll/v1/blob.proto');
      const text = await readFile(path, 'utf8');
      const changed = text.replace(/^ {2}string (\w+ = 1;)/m, '  bool $1');
      assert.notEqual(changed, text);
      await writeFile(path, changed);
      const { code, output } = await runBuf(['breaking', '--against', image], folder);
      assert.equal(code, 100);
      assert.match(output, /blob\.proto:\d+:\d+:Field "1".*changed type/);
    }));

  test('buf lint refuses a message without a comment', () =>
    withCopy(async (folder) => {
      const path = join(folder, 'proto/atoll/v1/blob.proto');
      await writeFile(path, `${await readFile(path, 'utf8')}\nmessage Bare {}\n`);
      const { code, output } = await runBuf(['lint'], folder);
      assert.equal(code, 100);
      assert.match(output, /Message "Bare" should have a non-empty comment/);
    }));
});
