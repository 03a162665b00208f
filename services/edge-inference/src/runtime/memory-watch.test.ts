import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { createLogger, silentLogger } from '@atoll/base/log';
import { watchMemory } from './memory-watch.js';

const elsewhere = process.platform === 'linux' ? false : 'bounds memory on Linux alone, by its /proc';

/** Holds this many megabytes when it is told to, and ends with standard input. */
const hungry = (megabytes: number): string =>
  `process.stdin.once('data', () => { globalThis.held = Buffer.alloc(${megabytes} * 2 ** 20, 1); }).on('end', () => process.exit());
   process.stdout.write('up');`;

test(
  'a process that holds too much is ended, one that does not stays and goes before the front',
  { skip: elsewhere, timeout: 30_000 },
  async (t) => {
    const [greedy, modest] = [300, 10].map((megabytes) => spawn(process.execPath, ['-e', hungry(megabytes)]));
    assert.ok(greedy !== undefined && modest !== undefined);
    t.after(() => [greedy, modest].map((child) => child.stdin.end()));
    const pids = [greedy.pid ?? 0, modest.pid ?? 0];
    const watch = watchMemory({ limitBytes: 250 * 2 ** 20, pids: () => pids, log: silentLogger, platform: 'linux' });
    t.after(() => watch.stop());
    await Promise.all([greedy, modest].map((child) => once(child.stdout, 'data')));
    await eventually(async () => {
      assert.equal((await readFile(`/proc/${modest.pid}/oom_score_adj`, 'utf8')).trim(), '800');
    });
    for (const child of [greedy, modest]) child.stdin.write('go');
    const [code, signal] = (await once(greedy, 'exit')) as [number | null, string | null];
    assert.deepEqual([code, signal, modest.exitCode, modest.signalCode], [null, 'SIGKILL', null, null]);
  },
);

test('elsewhere a bound is off, and says so', () => {
  const lines: string[] = [];
  const log = createLogger({ service: 'test', write: (line) => lines.push(line) });
  watchMemory({ limitBytes: 1, pids: () => [process.pid], log, platform: 'darwin' }).stop();
  assert.match(lines.join(), /is not bounded: it needs Linux/);
});
