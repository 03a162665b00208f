import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { describeDataset } from '@atoll/artifacts/dataset';
import { downloadFile, uploadBlobs } from '@atoll/artifacts/remote';
import { systemClock } from '@atoll/base/clock';
import type { Running } from '@atoll/base/lifecycle';
import { silentLogger } from '@atoll/base/log';
import { TrainerServiceService } from '@atoll/proto/atoll/v1/trainer';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { startTrainer } from '@atoll/trainer/service';
import { repositoryRoot } from '../support/repository.js';
import { kerasPython } from './keras-venv.js';

const runFile = promisify(execFile);
const script = join(repositoryRoot, 'test/src/peers/keras-h5.py');
const found = await kerasPython(process.env);
const signal = AbortSignal.timeout(240_000);

describe('model.h5 against Keras 2.15 in Python', { skip: 'skip' in found ? found.skip : false }, () => {
  const python = 'python' in found ? found.python : '';
  let root = '';
  let running: Running;
  let channel: Channel;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-keras-'));
    running = await startTrainer(
      {
        listen: `unix:${join(root, 'trainer.sock')}`,
        dataDir: join(root, 'data'),
        logLevel: 'error',
        maxRunningJobs: 1,
        childEnv: process.env,
      },
      { log: silentLogger, clock: systemClock },
    );
    channel = openChannel(running.address);
  });
  after(async () => {
    channel.close();
    await running.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function train(photos: string, imageSize: number): Promise<string> {
    const paths = (await readdir(photos, { recursive: true })).filter((path) => path.endsWith('.png'));
    const dataset = await describeDataset(photos, paths);
    await uploadBlobs(channel, dataset.blobs, signal);
    const client = channel.client(TrainerServiceService);
    const options = {
      model: '',
      imageSize,
      epochs: 2,
      batchSize: 16,
      learningRate: 0,
      seed: 1n,
      engine: '',
      augmentation: undefined,
      validationShare: 0.25,
    };
    const sets = { datasetSha256: dataset.sha256, validationDatasetSha256: '', testDatasetSha256: dataset.sha256 };
    const { job } = await client.startTraining({ ...sets, options }, { signal });
    const run = join(root, 'run');
    await mkdir(run);
    for await (const { event } of client.watchTraining({ jobId: job?.id ?? '', fromOffset: 0n }, { signal })) {
      if (event?.$case !== 'ended') continue;
      assert.equal(event.value.error, undefined);
      for (const { name, sha256 } of event.value.artifacts) {
        await downloadFile(channel, sha256, join(run, name), signal);
      }
    }
    return run;
  }

  test('Keras opens it, predicts within 1e-5 of us and can train it on', async () => {
    const [photos, imageSize] = [join(root, 'photos'), 40];
    await runFile(python, [script, 'make', photos, String(imageSize), '24']);
    const run = await train(photos, imageSize);
    const { stdout } = await runFile(python, [script, 'compare', photos, run]);
    const result = JSON.parse(stdout) as Record<string, unknown> & { maxDifference: number };
    const { maxDifference, version, ...rest } = result;
    assert.match(String(version), /^2\.15\./);
    assert.ok(maxDifference <= 1e-5, `largest difference ${maxDifference}`);
    assert.deepEqual(rest, { parameters: 231_555, photos: 25, classes: 3, trainsOn: true });
  });
});
