import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const bootstrap = join(dirname(dirname(fileURLToPath(import.meta.url))), 'bootstrap.mjs');

/** Says what it was called with and which signals it gets; ends 500 ms after the first, so that a second would be seen. */
const job = `
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
    console.log(signal);
    setTimeout(() => process.exit(7), 500);
  });
  console.log('called ' + process.argv.slice(2).join(' ') + ' ' + process.pid);
  if (process.argv[2] === 'wait') setInterval(() => {}, 1000);
  else { process.exitCode = 3; process.channel?.unref(); }
`;

describe('bootstrap.mjs', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-bootstrap-'));
    for (const folder of [
      'scripts/dist',
      'node_modules/.bin',
      'packages/a/dist',
      'packages/a/src',
      'packages/a/node_modules/b',
      'runs',
      '.atoll',
    ]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await copyFile(bootstrap, join(root, 'scripts/bootstrap.mjs'));
    await writeFile(join(root, 'node_modules/.bin/tsc'), '#!/bin/sh\nexit "${TSC_EXIT:-0}"\n', { mode: 0o755 });
    await writeFile(join(root, 'scripts/dist/main.js'), job);
    await writeLocks('sha512-a', 'sha512-a');
  });
  afterEach(() => rm(root, { recursive: true }));

  async function writeLocks(wanted: string, there: string): Promise<void> {
    const record = (integrity: string, more: object): string =>
      JSON.stringify({ packages: { 'node_modules/a': { integrity }, ...more } });
    await writeFile(join(root, 'package.json'), '{}');
    await writeFile(join(root, 'package-lock.json'), record(wanted, { '': {}, 'node_modules/b': { optional: true } }));
    await writeFile(join(root, 'node_modules/.package-lock.json'), record(there, {}));
  }

  function boot(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): { child: ChildProcess; lines: AsyncIterator<string> } {
    const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    });
    assert.ok(child.stdout !== null);
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
  }

  async function rest(lines: AsyncIterator<string>): Promise<string[]> {
    const all: string[] = [];
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) all.push(next.value);
    return all;
  }

  it('hands the verb and its arguments over and passes the exit code on', async () => {
    const { child, lines } = boot(['test', 'a b', '--c']);
    const ended = once(child, 'exit');
    assert.match((await rest(lines)).join('\n'), /^called test a b --c \d+$/);
    assert.deepEqual(await ended, [3, null]);
  });

  it('does not go on when the compiler fails', async () => {
    const { child, lines } = boot(['test'], { TSC_EXIT: '2' });
    const ended = once(child, 'exit');
    assert.deepEqual(await rest(lines), []);
    assert.deepEqual(await ended, [2, null]);
  });

  it('installs when node_modules is not what the lock file says', async () => {
    await writeLocks('sha512-b', 'sha512-a');
    await mkdir(join(root, 'bin'));
    await writeFile(join(root, 'bin/npm'), '#!/bin/sh\necho "npm $*"\nexit 5\n', { mode: 0o755 });
    const { child, lines } = boot(['test'], { PATH: `${join(root, 'bin')}:${process.env['PATH']}` });
    const ended = once(child, 'exit');
    const said = await rest(lines);
    assert.match(said[0] ?? '', /MB to download, \d+ MB on disk/);
    assert.deepEqual(said.slice(1), ['npm ci']);
    assert.deepEqual(await ended, [5, null]);
  });

  it('says in one line that it cannot run a tool that is not there', async () => {
    await rm(join(root, 'node_modules/.bin/tsc'));
    const { child } = boot(['test']);
    assert.ok(child.stderr !== null);
    const ended = once(child, 'exit');
    const faults = await rest(createInterface(child.stderr)[Symbol.asyncIterator]());
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /^atoll: cannot start on Node v.*: .*tsc ENOENT$/);
    assert.deepEqual(await ended, [1, null]);
  });

  it('passes one signal on for two that come together, and waits for the end of the job', async () => {
    const { child, lines } = boot(['wait']);
    const ended = once(child, 'exit');
    assert.match(String((await lines.next()).value), /^called wait/);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const seen = await rest(lines);
    assert.equal(seen.length, 1, seen.join());
    assert.deepEqual(await ended, [7, null]);
  });

  it('a job whose bootstrap was killed hears of it by the closed channel', async () => {
    await writeFile(
      join(root, 'scripts/dist/main.js'),
      "console.log('up'); process.on('disconnect', () => { console.log('alone'); process.exit(); }); setInterval(() => {}, 1000);",
    );
    const { child, lines } = boot(['wait']);
    assert.equal((await lines.next()).value, 'up');
    child.kill('SIGKILL');
    assert.deepEqual(await rest(lines), ['alone']);
  });

  it('clean removes what was made and nothing else; the cache only when asked', async () => {
    const cache = join(root, 'cache');
    await mkdir(cache);
    const clean = async (...args: string[]): Promise<void> => {
      const { child, lines } = boot(['clean', ...args], { ATOLL_CACHE: cache });
      const ended = once(child, 'exit');
      await rest(lines);
      assert.deepEqual(await ended, [0, null]);
    };
    await clean();
    assert.deepEqual((await readdir(root)).toSorted(), [
      'cache',
      'package-lock.json',
      'package.json',
      'packages',
      'scripts',
    ]);
    assert.deepEqual(await readdir(join(root, 'packages/a')), ['src']);
    assert.deepEqual(await readdir(join(root, 'scripts')), ['bootstrap.mjs']);
    await clean('--cache');
    assert.ok(!(await readdir(root)).includes('cache'));
  });
});
