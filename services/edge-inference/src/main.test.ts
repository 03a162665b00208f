import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '@atoll/base/eventually';
import type { PackageMaker } from './packages-for-tests.js';
import { packageMaker } from './packages-for-tests.js';
import { childrenOf, noProc } from './processes-for-tests.js';

const entry = fileURLToPath(new URL('./main.js', import.meta.url));
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

describe('the node as a process', { skip: noProc }, () => {
  let maker: PackageMaker;
  const started: ChildProcess[] = [];
  before(async () => {
    maker = await packageMaker();
  });
  after(async () => {
    for (const child of started) child.kill('SIGKILL');
    await maker.remove();
  });

  const start = async (): Promise<{ front: ChildProcess; pid: number; runtime: number }> => {
    const path = (await maker.make(1n)).files[0]?.path ?? '';
    const front = spawn(process.execPath, [entry], {
      env: { ...process.env, ATOLL_EDGE_INFERENCE_LISTEN: '127.0.0.1:0', ATOLL_EDGE_INFERENCE_MODELS: `tiny=${path}` },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    started.push(front);
    const [line] = (await once(createInterface({ input: front.stdout }), 'line')) as [string];
    assert.match(line, /^\{"ready":true,"address":"127\.0\.0\.1:\d+"\}$/);
    const { pid = 0 } = front;
    const [runtime = 0] = await childrenOf(pid);
    assert.ok(runtime > 0);
    return { front, pid, runtime };
  };

  test('ends on SIGTERM with exit code 0 and leaves no process', async () => {
    const { front, runtime } = await start();
    front.kill('SIGTERM');
    assert.deepEqual(await once(front, 'exit'), [0, null]);
    assert.ok(isGone(runtime));
  });

  test('takes its runtime process with it when it is killed, even while that one is stopped', async () => {
    const { front, runtime } = await start();
    process.kill(runtime, 'SIGSTOP');
    front.kill('SIGKILL');
    await once(front, 'exit');
    await eventually(() => assert.ok(isGone(runtime)));
  });

  test('an environment that cannot be is one line and exit code 1', async () => {
    const front = spawn(process.execPath, [entry], {
      env: { ATOLL_EDGE_INFERENCE_SLOTS: 'many' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    started.push(front);
    let told = '';
    front.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    assert.deepEqual(await once(front, 'close'), [1, null]);
    assert.match(told, /^cannot read the configuration: [^\n]+\n$/);
  });
});
