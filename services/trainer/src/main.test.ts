import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeDataset } from '@atoll/artifacts/dataset';
import { uploadBlobs } from '@atoll/artifacts/remote';
import { eventually } from '@atoll/base/eventually';
import { TrainerServiceService } from '@atoll/proto/atoll/v1/trainer';
import { openChannel } from '@atoll/rpc/channel';
import { writeColourFolders } from './photos-for-tests.js';

const size = 24;
const signal = AbortSignal.timeout(120_000);
const skip = process.platform === 'linux' ? false : 'it looks for processes in /proc: run it on Linux';

describe('main', { skip }, () => {
  let root = '';
  const spawned: ChildProcess[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-trainer-main-'));
  });
  afterEach(async () => {
    for (const child of spawned.splice(0)) child.kill('SIGKILL');
    await rm(root, { recursive: true, force: true });
  });

  function start(): ChildProcess {
    const main = fileURLToPath(new URL('main.js', import.meta.url));
    const env = {
      ...process.env,
      ATOLL_DATA_DIR: join(root, 'data'),
      ATOLL_TRAINER_LISTEN: `unix:${join(root, 'trainer.sock')}`,
    };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    spawned.push(child);
    return child;
  }

  /** Starts the service and a training without end; gives both processes once the first epoch is over. */
  async function startTraining(): Promise<{ service: ChildProcess; jobPid: number }> {
    const service = start();
    const address = await readyAddress(service);
    const channel = openChannel(address);
    const folder = join(root, 'photos');
    const dataset = await describeDataset(folder, await writeColourFolders(folder, 12, size));
    await uploadBlobs(channel, dataset.blobs, signal);
    const client = channel.client(TrainerServiceService);
    const options = {
      model: '',
      imageSize: size,
      epochs: 10_000,
      batchSize: 8,
      learningRate: 0,
      seed: 0n,
      engine: 'wasm',
      augmentation: undefined,
      validationShare: 0,
    };
    const sets = { datasetSha256: dataset.sha256, validationDatasetSha256: '', testDatasetSha256: '' };
    const { job } = await client.startTraining({ ...sets, options }, { signal });
    for await (const { event } of client.watchTraining({ jobId: job?.id ?? '', fromOffset: 0n }, { signal })) {
      if (event?.$case === 'epoch') break;
      assert.notEqual(event?.$case, 'ended');
    }
    channel.close();
    const [jobPid = 0] = await childPids(service.pid ?? 0);
    assert.ok(jobPid > 0);
    return { service, jobPid };
  }

  test('SIGTERM ends the service and its job, and leaves no work behind', async () => {
    const { service, jobPid } = await startTraining();
    const ended = once(service, 'exit');
    service.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    await assertGone(jobPid);
    assert.deepEqual(await readdir(join(root, 'data/trainer/work')), []);
  });

  test('a job ends with its service when that is killed, and the next service clears its work', async () => {
    const { service, jobPid } = await startTraining();
    service.kill('SIGKILL');
    await once(service, 'exit');
    await eventually(() => assertGone(jobPid), 10_000);
    await rm(join(root, 'trainer.sock'), { force: true });
    const next = start();
    await readyAddress(next);
    assert.deepEqual(await readdir(join(root, 'data/trainer/work')), []);
  });

  test('a configuration that is wrong is one line and exit code 1', async () => {
    const main = fileURLToPath(new URL('main.js', import.meta.url));
    const env = { ...process.env, ATOLL_TRAINER_LISTN: 'x' };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    spawned.push(child);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.match(said, /^cannot read the configuration: ATOLL_TRAINER_LISTN is not known; did you mean [A-Z_]+\?\n$/);
  });
});

async function readyAddress(service: ChildProcess): Promise<string> {
  assert.ok(service.stdout !== null);
  for await (const line of createInterface({ input: service.stdout })) {
    const { ready, address } = JSON.parse(line) as { ready: boolean; address: string };
    assert.ok(ready);
    return address;
  }
  throw new Error('the service ended before it was ready');
}

async function childPids(pid: number): Promise<readonly number[]> {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return listed.trim().split(' ').filter(Boolean).map(Number);
}

async function assertGone(pid: number): Promise<void> {
  await assert.rejects(access(`/proc/${pid}`));
}
