import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { cpuSecondsOf, processTree, pssBytesOf, rssOf } from './process-tree.js';

const skip = existsSync('/proc/self/stat') ? false : 'this system has no /proc';

describe('processTree', { skip }, () => {
  test('finds this process first, and the children of its children', async () => {
    const child = spawn('sh', ['-c', 'sleep 30 & wait'], { stdio: 'ignore' });
    try {
      await eventually(async () => {
        const pids = (await processTree(process.pid)).map(({ pid }) => pid);
        assert.equal(pids[0], process.pid);
        assert.ok(pids.includes(child.pid ?? 0));
        assert.equal((await processTree(child.pid ?? 0)).length, 2);
      });
      const [own] = await processTree(process.pid);
      const tree = await processTree(process.pid);
      assert.ok(own !== undefined && rssOf(tree) > own.rssBytes);
      assert.ok((await pssBytesOf(process.pid)) <= own.rssBytes * 2);
      assert.ok(own.cpuSeconds > 0 && own.cpuSeconds <= (await cpuSecondsOf(process.pid)));
    } finally {
      for (const { pid } of (await processTree(child.pid ?? 0)).toReversed()) process.kill(pid, 'SIGKILL');
    }
  });

  test('is empty for a process that has ended', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.deepEqual(await processTree(child.pid ?? 0), []);
  });
});
