import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { describeDataset } from '@atoll/artifacts/dataset';
import { downloadBytes, uploadBlobs } from '@atoll/artifacts/remote';
import { systemClock } from '@atoll/base/clock';
import { sha256 } from '@atoll/base/digest';
import { isAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import type { Running } from '@atoll/base/lifecycle';
import { silentLogger } from '@atoll/base/log';
import { plainOptions } from '@atoll/edgetpu/compiler-options';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';
import {
  type CompileTask,
  QuantizerServiceService,
  type QuantizeTask,
  type StartQuantizationRequest,
  type WatchQuantizationResponse,
} from '@atoll/proto/atoll/v1/quantizer';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { type QuantizerCompilerConfig, readConfig } from './config.js';
import type { CompileReport } from './edgetpu/compile-for-edge-tpu.js';
import type { InspectReport } from './report/inspect.js';
import type { QuantizeReport } from './report/report.js';
import { startQuantizerCompiler } from './service.js';
import { layersModel, referenceLayers } from './test-models.js';
import { hugePng, writePhotos } from './test-photos.js';

const signal = AbortSignal.timeout(300_000);
const labels = ['bird', 'frog', 'ship'];
const quantizeTask: QuantizeTask = {
  datasetSha256: '',
  samples: 0,
  inputType: '',
  outputType: '',
  ranges: 'minmax',
  pixels: '',
  evalDatasetSha256: '',
  labels,
  seed: 0n,
  mode: '',
  page: false,
};

describe('startQuantizerCompiler', () => {
  let root = '';
  let running: Running;
  let channel: Channel;
  let photos = '';

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-quantizer-'));
    await start();
    const folder = join(root, 'photos');
    photos = await uploadPhotos(folder, await writePhotos(folder, labels, 30, 1));
  });
  after(async () => {
    channel.close();
    await running.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function start(changes: Partial<QuantizerCompilerConfig> = {}): Promise<void> {
    const config = {
      ...readConfig({ ...process.env, ATOLL_DATA_DIR: root, PATH: '' }),
      listen: `unix:${join(root, 'quantizer.sock')}`,
      childEnv: process.env,
      ...changes,
    };
    running = await startQuantizerCompiler(config, { log: silentLogger, clock: systemClock });
    channel = openChannel(running.address);
  }

  async function restart(changes: Partial<QuantizerCompilerConfig> = {}): Promise<void> {
    channel.close();
    await running.stop();
    await start(changes);
  }

  const client = () => channel.client(QuantizerServiceService);

  async function uploadPhotos(folder: string, paths: readonly string[]): Promise<string> {
    const dataset = await describeDataset(folder, paths);
    await uploadBlobs(channel, dataset.blobs, signal);
    return dataset.sha256;
  }

  async function upload(files: ReadonlyMap<string, Uint8Array>): Promise<Artifact[]> {
    const blobs = [...files].map(([name, bytes]) => ({ name, bytes, sha256: sha256(bytes), sizeBytes: bytes.length }));
    await uploadBlobs(
      channel,
      blobs.map(({ bytes, ...blob }) => ({ ...blob, source: { bytes } })),
      signal,
    );
    return blobs.map((blob) => ({ name: blob.name, sha256: blob.sha256, sizeBytes: BigInt(blob.sizeBytes) }));
  }

  async function runJob(request: StartQuantizationRequest): Promise<{ job: Job; events: WatchQuantizationResponse[] }> {
    const { job } = await client().startQuantization(request, { signal });
    const events: WatchQuantizationResponse[] = [];
    for await (const event of client().watchQuantization({ jobId: job?.id ?? '', fromOffset: 0n }, { signal })) {
      events.push(event);
    }
    const last = events.at(-1)?.event;
    assert.equal(last?.$case, 'ended');
    return { job: last.value as Job, events };
  }

  async function artifact(job: Job, name: string): Promise<Buffer> {
    const found = job.artifacts.find((one) => one.name === name);
    assert.ok(found !== undefined, `${name} in ${job.artifacts.map((one) => one.name).join()}: ${job.error?.message}`);
    return downloadBytes(channel, found.sha256, 1 << 26, signal);
  }

  async function quantize(
    changes: Partial<QuantizeTask> = {},
    files = layersModel(referenceLayers(32, 3), 1),
    fresh = false,
  ) {
    const value = { ...quantizeTask, datasetSha256: photos, ...changes };
    return runJob({ model: await upload(files), task: { $case: 'quantize', value }, fresh });
  }

  const stagesOf = (events: readonly WatchQuantizationResponse[]) => [
    ...new Set(events.flatMap(({ event }) => (event?.$case === 'stage' ? [event.value.stage] : []))),
  ];

  const compileTask: CompileTask = { ...plainOptions, intermediateTensors: [] };

  it('quantizes an uploaded model on uploaded photos, and streams every stage', async () => {
    const { job, events } = await quantize({ samples: 10, ranges: '', evalDatasetSha256: photos });
    assert.deepEqual([job.error, job.state], [undefined, JobState.JOB_STATE_SUCCEEDED]);
    const stages = events.flatMap(({ event }) => (event?.$case === 'stage' ? [event.value] : []));
    assert.deepEqual(
      [...new Set(stages.map(({ stage }) => stage))],
      ['import', 'verify', 'passes', 'calibrate', 'plan', 'quantize', 'write', 'edgetpu', 'report'],
    );
    assert.deepEqual(stages.filter(({ stage }) => stage === 'calibrate').at(-1), {
      stage: 'calibrate',
      done: 10,
      total: 10,
    });
    assert.deepEqual(
      events.map(({ offset }) => Number(offset)),
      events.map((_, index) => index),
    );
    const report = JSON.parse((await artifact(job, 'report.json')).toString()) as QuantizeReport;
    assert.equal(report.calibrationImages, 10);
    assert.equal(report.eval?.images, 30);
    assert.ok(report.eval.floatTop1 !== undefined && report.eval.agreement > 0.8, JSON.stringify(report.eval));
    assert.equal((await artifact(job, 'model.tflite')).length, report.sizeBytes);
    assert.equal((await artifact(job, 'float.tflite')).length, report.floatSizeBytes);
    assert.deepEqual(await readdir(join(root, 'quantizer-compiler/work')), []);
  });

  it('gives the same bytes for the same request', async () => {
    const model = layersModel(referenceLayers(32, 3), 1);
    const [first, second] = [await quantize({ samples: 5 }, model), await quantize({ samples: 5 }, model, true)];
    assert.ok(stagesOf(second.events).includes('calibrate'));
    assert.ok((await artifact(first.job, 'model.tflite')).equals(await artifact(second.job, 'model.tflite')));
    const other = await quantize({ samples: 5, seed: 2n });
    assert.ok(!(await artifact(first.job, 'model.tflite')).equals(await artifact(other.job, 'model.tflite')));
  });

  it('gives the kept result of an identical request at once, across a restart, and works anew on demand', async () => {
    const first = await quantize({ samples: 4 });
    const again = await quantize({ samples: 4 });
    assert.deepEqual(stagesOf(again.events), ['kept']);
    assert.deepEqual(again.job.artifacts, first.job.artifacts);
    await restart();
    const afterwards = await quantize({ samples: 4 });
    assert.deepEqual(stagesOf(afterwards.events), ['kept']);
    assert.equal((await artifact(afterwards.job, 'model.tflite')).length > 0, true);
    const fresh = await quantize({ samples: 4 }, undefined, true);
    assert.ok(stagesOf(fresh.events).includes('calibrate'));
    const other = await quantize({ samples: 4, seed: 9n });
    assert.ok(stagesOf(other.events).includes('calibrate'));
    const both = await Promise.all([quantize({ samples: 4, seed: 7n }), quantize({ samples: 4, seed: 7n })]);
    assert.deepEqual(both[0].job.artifacts, both[1].job.artifacts);
    assert.equal(both[0].job.state, JobState.JOB_STATE_SUCCEEDED);
  });

  it('ends a job that takes longer than it may, and keeps nothing of it', async () => {
    await restart({ jobTimeoutMs: 1 });
    const { job } = await quantize({ samples: 6 });
    assert.deepEqual(
      [job.state, job.error],
      [
        JobState.JOB_STATE_FAILED,
        { code: 'DEADLINE_EXCEEDED', message: 'cannot finish the job: it took longer than 0.001 s' },
      ],
    );
    assert.deepEqual(await readdir(join(root, 'quantizer-compiler/work')), []);
    await restart();
    assert.ok(stagesOf((await quantize({ samples: 6 })).events).includes('calibrate'));
  });

  it('makes the modes that need no photos, and inspect tells them apart by name', async () => {
    const files = layersModel(referenceLayers(32, 3), 1);
    const parameters: number[] = [];
    for (const mode of ['dynamic-range', 'float16'] as const) {
      const { job, events } = await quantize({ mode, ranges: '', datasetSha256: '', evalDatasetSha256: photos }, files);
      assert.deepEqual([job.error, job.state], [undefined, JobState.JOB_STATE_SUCCEEDED]);
      assert.ok(!stagesOf(events).includes('calibrate'));
      const report = JSON.parse((await artifact(job, 'report.json')).toString()) as QuantizeReport;
      assert.deepEqual([report.mode, report.input.type, report.warnings], [mode, 'float32', []]);
      assert.ok((report.eval?.agreement ?? 0) > 0.9, JSON.stringify(report.eval));
      const [model] = await upload(new Map([['m.tflite', await artifact(job, 'model.tflite')]]));
      const inspected = JSON.parse((await client().inspectModel({ model }, { signal })).json) as InspectReport;
      assert.equal(inspected.kind, mode);
      parameters.push(inspected.parameters);
    }
    const { job } = await runJob({ model: await upload(files), task: { $case: 'convert', value: {} }, fresh: false });
    const [float] = await upload(new Map([['f.tflite', await artifact(job, 'model.tflite')]]));
    const inspected = JSON.parse((await client().inspectModel({ model: float }, { signal })).json) as InspectReport;
    assert.deepEqual(parameters, [inspected.parameters, inspected.parameters]);
  });

  it('makes a page on demand', async () => {
    const { job } = await quantize({ samples: 3, page: true, evalDatasetSha256: photos });
    const page = (await artifact(job, 'report.html')).toString();
    assert.match(page, /^<!doctype html>/);
    assert.ok(page.includes(photos) && page.includes('agreement'), page.slice(0, 500));
    const report = JSON.parse((await artifact(job, 'report.json')).toString()) as { lineage: { dataset: string } };
    assert.equal(report.lineage.dataset, photos);
  });

  it('converts, plans and describes', async () => {
    const { job } = await quantize({ samples: 3 });
    const int8 = new Map([['frogs.tflite', await artifact(job, 'model.tflite')]]);
    const plan = await runJob({
      model: await upload(int8),
      task: { $case: 'compile', value: compileTask },
      fresh: false,
    });
    const compiled = JSON.parse((await artifact(plan.job, 'plan.json')).toString()) as CompileReport;
    assert.deepEqual([compiled.compiled, compiled.compiler, compiled.onCpu, compiled.subgraphs], [false, null, 0, 1]);
    assert.deepEqual(
      plan.job.artifacts.map(({ name }) => name),
      ['plan.json'],
    );
    assert.match(
      plan.events.map(({ event }) => (event?.$case === 'warning' ? event.value.message : '')).join('\n'),
      /planned by the documented rules, not compiled/,
    );

    const [model] = await upload(int8);
    const { json, text } = await client().inspectModel({ model }, { signal });
    const report = JSON.parse(json) as InspectReport;
    assert.deepEqual([report.kind, report.labels, report.metadata.minRuntimeVersion], ['int8', labels, '1.14.0']);
    assert.match(
      text,
      /^frogs\.tflite\n {2}kind +int8: full-integer[^]+input +[^ ]+ uint8 \[1, 32, 32, 3\], real = 0\.0039/,
    );
    assert.match(text, /= CONV_2D v3 \(/);
    const [topology] = await upload(new Map([['model.json', Buffer.from('{}')]]));
    await assert.rejects(client().inspectModel({ model: topology }, { signal }), {
      message: 'cannot inspect model.json: its weights are other files; convert it first',
    });

    const files = layersModel(referenceLayers(32, 3), 1);
    const converted = await runJob({ model: await upload(files), task: { $case: 'convert', value: {} }, fresh: false });
    const float = await artifact(converted.job, 'model.tflite');
    const [floatModel] = await upload(new Map([['float.tflite', float]]));
    assert.equal(
      (JSON.parse((await client().inspectModel({ model: floatModel }, { signal })).json) as InspectReport).kind,
      'float',
    );
  });

  it('cancelling ends the child process and leaves nothing behind', async () => {
    const model = await upload(layersModel(referenceLayers(100, 3), 1));
    const value = { ...quantizeTask, datasetSha256: photos, evalDatasetSha256: photos };
    const { job } = await client().startQuantization(
      { model, task: { $case: 'quantize', value }, fresh: false },
      { signal },
    );
    const jobId = job?.id ?? '';
    for await (const { event } of client().watchQuantization({ jobId, fromOffset: 0n }, { signal })) {
      if (event?.$case === 'stage') break;
    }
    await client().cancelQuantization({ jobId }, { signal });
    await eventually(async () => {
      assert.equal((await client().getQuantization({ jobId })).job?.state, JobState.JOB_STATE_CANCELLED);
      assert.deepEqual(await readdir(join(root, 'quantizer-compiler/work')), []);
    }, 10_000);
  });

  it('names a damaged photo in a warning and goes on', async () => {
    const folder = join(root, 'damaged');
    const paths = await writePhotos(folder, labels, 6, 3);
    await writeFile(join(folder, 'bird/broken.jpg'), 'no photo');
    const { job, events } = await quantize({
      datasetSha256: await uploadPhotos(folder, [...paths, 'bird/broken.jpg']),
    });
    assert.equal(job.state, JobState.JOB_STATE_SUCCEEDED);
    const warnings = events.flatMap(({ event }) => (event?.$case === 'warning' ? [event.value.message] : []));
    assert.ok(
      warnings.includes('1 of 7 photos could not be decoded and were left out: bird/broken.jpg'),
      warnings.join('\n'),
    );
  });

  it('refuses before a job what a request gets wrong, in one line', async () => {
    const refused = (message: RegExp) => (error: unknown) =>
      isAtollError(error) && message.test(error.message) && !error.message.includes('\n');
    await assert.rejects(
      quantize({ datasetSha256: '' }),
      refused(/^cannot calibrate: there are no representative photos$/),
    );
    const none = await uploadPhotos(root, []);
    await assert.rejects(
      quantize({ datasetSha256: none }),
      refused(/^cannot calibrate: there are no representative photos in/),
    );
    await assert.rejects(quantize({ inputType: 'uint9' }), refused(/input type "uint9": did you mean uint8\?$/));
    await assert.rejects(quantize({ pixels: '0..2' }), refused(/pixels "0\.\.2"/));
    const missing = { name: 'm.h5', sha256: '0'.repeat(64), sizeBytes: 1n };
    await assert.rejects(
      runJob({ model: [missing], task: { $case: 'convert', value: {} }, fresh: false }),
      refused(/^cannot read m\.h5: its bytes were not uploaded$/),
    );
    await assert.rejects(runJob({ model: [missing], task: undefined, fresh: false }), refused(/^cannot read m\.h5/));
  });

  it('fails a job on a bad model or an oversized photo, in one line', async () => {
    const failed = async (changes: Partial<QuantizeTask>, files?: Map<string, Uint8Array>): Promise<string> => {
      const { job } = await quantize(changes, files);
      assert.equal(job.state, JobState.JOB_STATE_FAILED);
      assert.deepEqual(job.artifacts, []);
      return job.error?.message ?? '';
    };
    const { job } = await quantize({ samples: 3 });
    const float = await artifact(job, 'float.tflite');
    const half = new Map([['half.tflite', float.subarray(0, float.length >> 1)]]);
    assert.match(await failed({}, half), /^cannot read half\.tflite: it is damaged or cut off at [^\n]+$/);
    const lambda = layersModel([...referenceLayers(32, 3), { class_name: 'Lambda', config: { name: 'odd' } }], 1);
    assert.match(
      await failed({}, new Map(lambda)),
      /^cannot import model\.json: layer odd \(Lambda\) is not supported[^\n]+$/,
    );
    const folder = join(root, 'huge');
    const paths = await writePhotos(folder, labels, 3, 4);
    await writeFile(join(folder, 'bird/huge.png'), hugePng());
    const huge = await uploadPhotos(folder, [...paths, 'bird/huge.png']);
    assert.match(
      await failed({ datasetSha256: huge }),
      /^cannot use photo bird\/huge\.png: 30000 x 30000 pixels are above the limit/,
    );
  });
});
