import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { lockDevice, lockFolder } from './device-lock.js';

const skip = process.platform === 'win32' && 'flock is of Linux and macOS';

describe('lockDevice()', { skip, timeout: 30_000 }, () => {
  const device = `/devices/of a test/${process.pid}`;
  const file = join(lockFolder, `_devices_of_a_test_${process.pid}.lock`);
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(file, { force: true });
  });
  const other = async (): Promise<{ said: unknown; end: (signal: NodeJS.Signals) => Promise<void> }> => {
    const child = fork(new URL('./hold-lock-for-tests.js', import.meta.url), [device]);
    children.push(child);
    const ended = once(child, 'exit');
    const [said] = (await once(child, 'message')) as unknown[];
    return {
      said,
      async end(signal) {
        child.kill(signal);
        await ended;
      },
    };
  };

  test('of a process that was killed is free at once, whatever its file says', async () => {
    const first = await other();
    assert.equal(first.said, 'held');
    assert.throws(() => lockDevice(device), { code: 'UNAVAILABLE', message: `process ${children[0]?.pid} owns it` });
    const second = await other();
    assert.equal(second.said, `process ${children[0]?.pid} owns it`);
    await first.end('SIGKILL');
    assert.equal(readFileSync(file, 'latin1'), `${children[0]?.pid} ${hostname()}\n`);
    lockDevice(device).release();
  });

  test('names the container beside the process id, where that is another', async () => {
    const lock = lockDevice(device);
    for (const [text, owner] of [
      ['7 edge-inference-x2k9p\n', 'process 7 of edge-inference-x2k9p'],
      ['7\n', 'process 7'],
      ['', 'another process'],
      ['what is this?', 'another process'],
      [`7 ${'h'.repeat(9_000)}\n`, 'another process'],
    ] as const) {
      writeFileSync(file, text);
      const { said, end } = await other();
      assert.equal(said, `${owner} owns it`);
      await end('SIGTERM');
    }
    lock.release();
  });

  test('of a device is not that of another', () => {
    const [one, two] = [lockDevice(device), lockDevice(`${device}.2`)];
    one.release();
    two.release();
  });
});
