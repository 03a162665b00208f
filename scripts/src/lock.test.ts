import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { withLock } from './lock.js';

describe('withLock', () => {
  const never = new AbortController().signal;
  const silent = (): void => undefined;
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-lock-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('lets one task in at a time and leaves nothing behind', async () => {
    const path = join(folder, 'many');
    let inside = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      for (let i = 0; i < 20; i++) await turn();
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLock(path, never, silent, task)));
    assert.equal(most, 1);
    assert.deepEqual(await readdir(folder), []);
  });

  it('takes over from a process that is gone', async () => {
    const path = join(folder, 'dead');
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(path, `${child.pid} ${hostname()} 00\n`);
    assert.equal(await withLock(path, never, silent, () => Promise.resolve('in')), 'in');
    assert.deepEqual(await readdir(folder), []);
  });

  it('says once whom it waits for, and stops waiting when cancelled', async () => {
    const path = join(folder, 'held');
    await writeFile(path, `${process.pid} ${hostname()} 00\n`);
    const stop = new AbortController();
    const said: string[] = [];
    const waiting = withLock(
      path,
      stop.signal,
      (line) => {
        said.push(line);
        stop.abort();
      },
      () => Promise.reject(new Error('it went in')),
    );
    await assert.rejects(waiting, { name: 'AbortError' });
    assert.match(said.join(), new RegExp(`process ${process.pid}`));
    assert.equal(said.length, 1);
    await rm(path);
  });

  it('is given back when the task fails', async () => {
    const path = join(folder, 'failing');
    await assert.rejects(
      withLock(path, never, silent, () => Promise.reject(new Error('task'))),
      /task/,
    );
    assert.deepEqual(await readdir(folder), []);
  });
});
