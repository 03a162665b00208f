import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { describeDataset } from '@atoll/artifacts/dataset';
import { downloadBytes, uploadBlobs } from '@atoll/artifacts/remote';
import { systemClock } from '@atoll/base/clock';
import { eventually } from '@atoll/base/eventually';
import type { Running } from '@atoll/base/lifecycle';
import { silentLogger } from '@atoll/base/log';
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';
import { type TrainingOptions, TrainerServiceService, type WatchTrainingResponse } from '@atoll/proto/atoll/v1/trainer';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { hugePng, writeColourFolders } from './photos-for-tests.js';
import { startTrainer } from './service.js';

const size = 24;
const signal = AbortSignal.timeout(120_000);

const options: TrainingOptions = {
  model: '',
  imageSize: size,
  epochs: 3,
  batchSize: 16,
  learningRate: 2e-3,
  seed: 7n,
  engine: '',
  augmentation: { zoom: 0.1, rotateDegrees: 10, shearDegrees: 0.1 },
  validationShare: 0,
};

describe('startTrainer()', () => {
  let root = '';
  let running: Running;
  let channel: Channel;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-trainer-'));
    const config = {
      listen: `unix:${join(root, 'trainer.sock')}`,
      dataDir: join(root, 'data'),
      logLevel: 'error',
      maxRunningJobs: 1,
      childEnv: process.env,
    } as const;
    running = await startTrainer(config, { log: silentLogger, clock: systemClock });
    channel = openChannel(running.address);
  });
  after(async () => {
    channel.close();
    await running.stop();
    await rm(root, { recursive: true, force: true });
  });

  const client = () => channel.client(TrainerServiceService);

  async function upload(folder: string, paths: readonly string[]): Promise<string> {
    const dataset = await describeDataset(folder, paths);
    await uploadBlobs(channel, dataset.blobs, signal);
    return dataset.sha256;
  }

  async function start(datasetSha256: string, changes: Partial<TrainingOptions> = {}): Promise<Job> {
    const request = {
      datasetSha256,
      validationDatasetSha256: '',
      testDatasetSha256: '',
      options: { ...options, ...changes },
    };
    const { job } = await client().startTraining(request, { signal });
    assert.ok(job !== undefined);
    return job;
  }

  async function watch(jobId: string, fromOffset = 0n): Promise<WatchTrainingResponse[]> {
    const events: WatchTrainingResponse[] = [];
    for await (const event of client().watchTraining({ jobId, fromOffset }, { signal })) events.push(event);
    return events;
  }

  function ended(events: readonly WatchTrainingResponse[]): Job {
    const last = events.at(-1)?.event;
    assert.equal(last?.$case, 'ended');
    return last.value as Job;
  }

  const epochsOf = (events: readonly WatchTrainingResponse[]) =>
    events.flatMap(({ event }) => (event?.$case === 'epoch' ? [event.value] : []));

  test('trains on uploaded photos, streams what happens and leaves every file of a run', async () => {
    const folder = join(root, 'colours');
    const paths = await writeColourFolders(folder, 24, size);
    await writeFile(join(folder, 'red/broken.png'), 'this is no photo');
    const job = await start(await upload(folder, [...paths, 'red/broken.png']));
    const events = await watch(job.id);
    const end = ended(events);
    assert.deepEqual([end.state, end.error], [JobState.JOB_STATE_SUCCEEDED, undefined]);

    const data = events.find(({ event }) => event?.$case === 'datasetReady')?.event;
    assert.equal(data?.$case, 'datasetReady');
    assert.deepEqual(data.value.classes, ['blue', 'green', 'red']);
    assert.equal(data.value.trainingImages + data.value.validationImages, 72);
    assert.deepEqual(
      data.value.skipped.map(({ path }) => path),
      ['red/broken.png'],
    );
    const epochs = epochsOf(events);
    assert.deepEqual(
      epochs.map(({ epoch }) => epoch),
      [1, 2, 3],
    );
    assert.ok((epochs[2]?.validationAccuracy ?? 0) > 0.8, JSON.stringify(epochs));
    assert.deepEqual(
      events.map(({ offset }) => Number(offset)),
      events.map((_, i) => i),
    );
    assert.deepEqual(await watch(job.id, 2n), events.slice(2));

    const names = end.artifacts.map(({ name }) => name);
    for (const name of ['model.h5', 'layers-model/model.json', 'labels.txt', 'history.json', 'history.svg']) {
      assert.ok(names.includes(name), name);
    }
    for (const name of [
      'confusion.json',
      'confusion.svg',
      'predictions.json',
      'job.json',
      'checkpoints/epoch-003.h5',
    ]) {
      assert.ok(names.includes(name), name);
    }
    const labels = end.artifacts.find(({ name }) => name === 'labels.txt');
    const bytes = await downloadBytes(channel, labels?.sha256 ?? '', 1_000, signal);
    assert.equal(Buffer.from(bytes).toString(), 'blue\ngreen\nred\n');
    assert.deepEqual(await readdir(join(root, 'data/work')), []);
  });

  test('the same request gives the same numbers', async () => {
    const folder = join(root, 'again');
    const dataset = await upload(folder, await writeColourFolders(folder, 8, size));
    const numbers = async () =>
      epochsOf(await watch((await start(dataset, { epochs: 2 })).id)).map(({ loss, validationLoss }) => [
        loss,
        validationLoss,
      ]);
    assert.deepEqual(await numbers(), await numbers());
  });

  test('cancelling ends the child process and leaves nothing behind', async () => {
    const folder = join(root, 'cancelled');
    const job = await start(await upload(folder, await writeColourFolders(folder, 24, size)), { epochs: 10_000 });
    for await (const { event } of client().watchTraining({ jobId: job.id, fromOffset: 0n }, { signal })) {
      if (event?.$case === 'epoch') break;
    }
    await client().cancelTraining({ jobId: job.id }, { signal });
    assert.equal(ended(await watch(job.id)).state, JobState.JOB_STATE_CANCELLED);
    await eventually(async () => assert.deepEqual(await readdir(join(root, 'data/work')), []), 10_000);
  });

  test('what cannot be trained on is one line', async () => {
    const folder = join(root, 'bad');
    const paths = await writeColourFolders(folder, 4, size);
    await writeFile(join(folder, 'red/huge.png'), hugePng());
    const refused = (message: RegExp) => (error: Error) => message.test(error.message) && !error.message.includes('\n');
    await assert.rejects(start(await upload(folder, [])), refused(/it holds no photo$/));
    const red = paths.filter((path) => path.startsWith('red/'));
    await assert.rejects(
      start(await upload(folder, red)),
      refused(/it has one class, red, and at least two are needed$/),
    );
    await assert.rejects(start('0'.repeat(64)), refused(/its manifest was not uploaded$/));
    const all = await upload(folder, paths);
    await assert.rejects(start(all, { engine: 'wasn' }), refused(/engine "wasn": did you mean wasm\?$/));
    await assert.rejects(start(all, { learningRate: -1 }), refused(/learning rate -1: it must lie between 0 and 1$/));
    const job = ended(await watch((await start(await upload(folder, [...paths, 'red/huge.png']))).id));
    assert.equal(job.state, JobState.JOB_STATE_FAILED);
    assert.match(
      job.error?.message ?? '',
      /^cannot train on red\/huge\.png: .*30000 x 30000 pixels are above the limit/,
    );
  });
});
