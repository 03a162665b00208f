import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '@atoll/base/eventually';
import { inferOnce, type ServingNode, startLoad, startServingNode } from './serving-node.js';

const run = promisify(execFile);
const elsewhere = process.platform === 'linux' ? false : 'finds and bounds runtime processes by the /proc of Linux';
const clients = 4;
const memoryMb = 120;
const noPrlimit = await prlimitMissing();

async function prlimitMissing(): Promise<string | false> {
  try {
    await run('prlimit', ['--version']);
    return false;
  } catch {
    return 'prlimit is not there: install util-linux';
  }
}

describe('a node under load whose runtime process', { skip: elsewhere, timeout: 120_000 }, () => {
  let node: ServingNode;
  before(async () => {
    node = await startServingNode({
      ATOLL_EDGE_INFERENCE_INVOKE_TIMEOUT_MS: '500',
      ATOLL_EDGE_INFERENCE_CHILD_MEMORY_MB: String(memoryMb),
    });
    await node.addModel('greedy', 1_500, 128);
  });
  after(() => node.stop());

  const child = async (): Promise<number> => {
    const [pid, ...others] = await node.process.children();
    assert.ok(pid !== undefined && others.length === 0, node.process.log());
    return pid;
  };
  /** Meets the process with something `times` times under load; one request each may fail, and UNAVAILABLE. */
  const meet = async (t: TestContext, what: (pid: number) => void, times: number): Promise<void> => {
    const load = startLoad(node, clients);
    const backMs: number[] = [];
    try {
      for (let i = 0; i < times; i++) {
        const before = load.answered;
        await eventually(() => assert.ok(load.answered > before + 20), 10_000);
        const pid = await child();
        const back = load.nextAnswerMs();
        what(pid);
        await eventually(async () => assert.notEqual(await child(), pid), 20_000);
        backMs.push(await back);
      }
    } finally {
      await load.end();
    }
    const { failures, answered } = load;
    t.diagnostic(
      `back after ${backMs.map((ms) => ms.toFixed(0)).join(', ')} ms; ${answered} answered, ${failures.length} failed`,
    );
    assert.deepEqual(
      [...new Set(failures)].filter((code) => code !== 'UNAVAILABLE'),
      [],
    );
    assert.ok(failures.length <= times, `${failures.length} requests failed`);
    await inferOnce(node.connect());
  };

  test('is killed: the request in it fails at most, all others are answered', async (t) => {
    await meet(t, (pid) => void process.kill(pid, 'SIGKILL'), 5);
  });

  test('stops: the watchdog ends it, the request in it fails at most', async (t) => {
    await meet(t, (pid) => void process.kill(pid, 'SIGSTOP'), 5);
  });

  /** Asks for a model that needs much memory, under load: the others must serve on. True when it came. */
  const beGreedy = async (t: TestContext): Promise<boolean> => {
    const load = startLoad(node, clients);
    let came = false;
    try {
      await eventually(() => assert.ok(load.answered > 20));
      const answer = await fetch(`${node.http}/v2/repository/models/greedy/load`, { method: 'POST' });
      t.diagnostic(`${answer.status}: ${await answer.text()}`);
      came = answer.ok;
      const before = load.answered;
      await eventually(() => assert.ok(load.answered > before + 20), 20_000);
    } finally {
      await load.end();
    }
    t.diagnostic(`${load.answered} answered, ${load.failures.length} failed`);
    assert.deepEqual(
      load.failures.filter((code) => code !== 'UNAVAILABLE'),
      [],
    );
    // A model that ends every process that loads it is given up after the third.
    assert.ok(load.failures.length <= 3, `${load.failures.length} requests failed`);
    await inferOnce(node.connect());
    return came;
  };

  test(
    'gets no more memory from the system: a new model does not come, the others serve on',
    { skip: noPrlimit },
    async (t) => {
      const pid = await child();
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const bytes = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
      await run('prlimit', ['--pid', String(pid), `--as=${bytes}`]);
      assert.equal(await beGreedy(t), false);
    },
  );

  test(`holds more than ${memoryMb} MB for a new model: that model does not come, the others serve on`, async (t) => {
    assert.equal(await beGreedy(t), false);
    assert.match(node.process.log(), /holds more memory than it may and is ended/);
  });
});
