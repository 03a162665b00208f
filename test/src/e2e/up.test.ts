/** A fleet on one machine when parts of it die: a node comes back, a service ends it in words, a killed supervisor leaves nothing. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, after, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { checkServing } from '@atoll/rpc/check-serving';
import { processesBelow, type Running, startAtoll, stillAlive } from '../support/cli.js';

const natsServer = await findNatsServer(process.env);

interface Fleet {
  readonly trainer: string;
  readonly nodes: readonly { readonly id: string; readonly address: string }[];
}

describe('up', { timeout: 240_000, skip: natsServer === undefined ? natsServerMissing : false }, () => {
  let dataDir = '';
  let up: Running;
  let fleet: Fleet;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'atoll-up-'));
  });
  after(() => rm(dataDir, { recursive: true }));
  beforeEach(async () => {
    up = startAtoll(['up', '--json', '--nodes', '1', '--data-dir', dataDir], { env: { ATOLL_UP_PORTS: 'any' } });
    await eventually(() => assert.match(up.said().out, /^\{"server".*\n$/, up.said().err), 60_000);
    fleet = JSON.parse(up.said().out) as Fleet;
  });
  afterEach(async () => {
    const below = await processesBelow(up.pid);
    up.interrupt();
    await up.ended;
    await eventually(async () => assert.deepEqual(await stillAlive(below), []), 30_000);
  });

  /** The process of the fleet whose environment has this setting. */
  async function processWith(setting: RegExp): Promise<number> {
    for (const pid of await processesBelow(up.pid)) {
      const parent = await parentOf(pid);
      if (parent === up.pid && setting.test(await readFile(`/proc/${pid}/environ`, 'utf8'))) return pid;
    }
    throw new RangeError(`no process of the fleet has ${setting.source}`);
  }

  // First, so that the next test starts in the folder that it leaves.
  test('a supervisor that is killed leaves no process, and the folder serves the next one', async () => {
    const below = await processesBelow(up.pid);
    await up.kill();
    await eventually(async () => assert.deepEqual(await stillAlive(below), []), 30_000);
  });

  test('a node that is killed is started again on its address', async () => {
    const [node] = fleet.nodes;
    const pid = await processWith(/ATOLL_EDGE_INFERENCE_NODE_ID=node-1/);
    process.kill(pid, 'SIGKILL');
    await eventually(
      () => assert.match(up.said().err, /node-1 ended with signal SIGKILL; it is started again/),
      20_000,
    );
    await eventually(async () => {
      assert.notEqual(await processWith(/ATOLL_EDGE_INFERENCE_NODE_ID=node-1/), pid);
      await checkServing(node?.address ?? '', 1_000);
    }, 30_000);
  });

  test('a service that is killed ends the fleet with its name and its log', async () => {
    process.kill(await processWith(/ATOLL_TRAINER_LISTEN=/), 'SIGKILL');
    const { code, err } = await up.ended;
    assert.equal(code, 1);
    const last = err.trimEnd().split('\n').at(-1) ?? '';
    assert.match(last, /^atoll: cannot keep the fleet up: trainer ended with signal SIGKILL.*logs\/trainer\.log$/);
  });
});

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
