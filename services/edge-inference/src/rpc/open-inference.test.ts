import assert from 'node:assert/strict';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '@atoll/base/clock';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { HealthCheckResponse_ServingStatus as Status, HealthService } from '@atoll/proto/grpc/health/v1/health';
import { DataType, ModelInstanceGroup_Kind } from '@atoll/proto/inference/model_config';
import type { ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { openChannel } from '@atoll/rpc/channel';
import type { PackageMaker } from '../packages-for-tests.js';
import { classNames, packageMaker, pictureSize, pixels, testConfig } from '../packages-for-tests.js';
import { startEdgeInference } from '../service.js';

const shape = [1n, BigInt(pictureSize), BigInt(pictureSize), 3n];

function request(seed: number, change: Partial<ModelInferRequest> = {}): ModelInferRequest {
  return {
    modelName: 'tiny',
    modelVersion: '',
    id: `request ${seed}`,
    parameters: {},
    inputs: [{ name: 'image', datatype: 'UINT8', shape: [...shape], parameters: {}, contents: undefined }],
    outputs: [],
    rawInputContents: [Buffer.from(pixels(seed))],
    ...change,
  };
}

describe('GRPCInferenceService beyond the core of the protocol', { timeout: 120_000 }, () => {
  let maker: PackageMaker;
  const undo: (() => Promise<void>)[] = [];
  before(async () => {
    maker = await packageMaker();
  });
  after(async () => {
    for (const step of undo.toReversed()) await step();
    await maker.remove();
  });

  /** A node whose repository holds model tiny in these versions. */
  const start = async (versions: readonly bigint[]) => {
    const folder = join(maker.folder, `repository ${undo.length}`);
    await mkdir(folder);
    for (const version of versions) {
      const place = join(folder, 'tiny', String(version));
      await mkdir(place, { recursive: true });
      const [file] = (await maker.make(version)).files;
      await copyFile(file?.path ?? '', join(place, 'model.tflite'));
      await writeFile(join(place, 'labels.txt'), `${classNames.join('\n')}\n`);
    }
    const change = { repository: folder, httpListen: '127.0.0.1:0' };
    const node = await startEdgeInference({ ...testConfig, ...change }, { log: silentLogger, clock: systemClock });
    const channel = openChannel(node.address);
    undo.push(async () => {
      channel.close();
      await node.stop();
    });
    const health = async (service: string) => (await channel.client(HealthService).check({ service })).status;
    return { node, folder, open: channel.client(GRPCInferenceServiceService), health };
  };

  test('ModelConfig tells platform, backend, whole shapes, types and how quantized tensors are read', async () => {
    const { open } = await start([3n]);
    const { config } = await open.modelConfig({ name: 'tiny', version: '' });
    assert.ok(config !== undefined);
    assert.deepEqual(
      [config.name, config.platform, config.backend, config.maxBatchSize, config.defaultModelFilename],
      ['tiny', 'tensorflow_lite', 'atoll', 0, 'model.tflite'],
    );
    assert.deepEqual(
      config.input.map(({ name, dataType, dims }) => [name, dataType, dims]),
      [['image', DataType.TYPE_UINT8, shape]],
    );
    assert.deepEqual(
      config.output.map(({ name, dataType, dims }) => [name, dataType, dims]),
      [['scores', DataType.TYPE_UINT8, [1n, BigInt(classNames.length)]]],
    );
    assert.deepEqual(config.versionPolicy?.policyChoice?.value, { versions: [3n] });
    assert.deepEqual(config.instanceGroup, [{ name: 'tiny', kind: ModelInstanceGroup_Kind.KIND_CPU, count: 1 }]);
    assert.deepEqual(JSON.parse(config.parameters['quantization:scores']?.stringValue ?? ''), {
      scale: 1 / 256,
      zero_point: 0,
    });
    await assert.rejects(open.modelConfig({ name: 'tiny', version: '7' }), { code: 'NOT_FOUND' });
  });

  test('ModelStatistics counts what succeeded and what failed, for one version, one model and all', async () => {
    const { open } = await start([1n]);
    const none = await open.modelStatistics({ name: '', version: '' });
    assert.deepEqual(
      none.modelStats.map(({ inferenceCount, lastInference }) => [inferenceCount, lastInference]),
      [[0n, 0n]],
    );
    for (let seed = 0; seed < 3; seed++) await open.modelInfer(request(seed));
    await assert.rejects(open.modelInfer(request(0, { rawInputContents: [Buffer.alloc(1)] })));
    for (const [name, version] of [
      ['', ''],
      ['tiny', ''],
      ['tiny', '1'],
    ] as const) {
      const { modelStats } = await open.modelStatistics({ name, version });
      const [only] = modelStats;
      assert.ok(modelStats.length === 1 && only !== undefined, `${modelStats.length} for ${name} ${version}`);
      assert.deepEqual([only.name, only.version, only.inferenceCount, only.executionCount], ['tiny', '1', 3n, 3n]);
      const { success, fail, queue, computeInput, computeInfer, computeOutput } = only.inferenceStats ?? {};
      assert.deepEqual([success?.count, fail?.count], [3n, 1n]);
      const stages = [queue, computeInput, computeInfer, computeOutput];
      assert.deepEqual(
        stages.map((stage) => stage?.count),
        [3n, 3n, 3n, 3n],
      );
      assert.ok((computeInfer?.ns ?? 0n) > 0n);
      const sum = stages.reduce((total, stage) => total + (stage?.ns ?? 0n), 0n);
      assert.ok(sum > 0n && sum <= (success?.ns ?? 0n) + 10n, `${sum} of ${success?.ns}`);
      assert.ok(Math.abs(Number(only.lastInference) - Date.now()) < 60_000);
      assert.deepEqual(
        only.batchStats.map(({ batchSize, computeInfer: run }) => [batchSize, run?.count]),
        [[1n, 3n]],
      );
    }
    for (const name of ['tiny', 'other']) {
      await assert.rejects(open.modelStatistics({ name, version: '9' }), { code: 'NOT_FOUND' });
    }
  });

  test('ModelStreamInfer answers in the order of the requests, and an error ends no stream', async () => {
    const { open } = await start([1n]);
    const requests = async function* () {
      yield request(0);
      yield request(1, { modelName: 'other' });
      yield request(2, { inputs: [] });
      yield request(3);
    };
    const seen: [string, string, number[]][] = [];
    for await (const { errorMessage, inferResponse } of open.modelStreamInfer(requests())) {
      seen.push([inferResponse?.id ?? '', errorMessage, [...(inferResponse?.rawOutputContents[0] ?? [])]]);
    }
    assert.deepEqual(seen, [
      ['request 0', '', [...(await maker.answer(1n, 0))]],
      ['request 1', 'cannot find model other: this node serves tiny v1', []],
      ['request 2', 'cannot infer: there are 1 raw contents for 0 inputs', []],
      ['request 3', '', [...(await maker.answer(1n, 3))]],
    ]);
  });

  test('the repository is listed, loaded by version and unloaded; health follows by model and version', async () => {
    const { open, health } = await start([1n, 2n]);
    const index = async (ready: boolean) =>
      (await open.repositoryIndex({ repositoryName: '', ready })).models.map(
        ({ name, version, state }) => `${name} ${version} ${state}`,
      );
    assert.deepEqual(await index(false), ['tiny 1 UNAVAILABLE', 'tiny 2 READY']);
    assert.deepEqual(await index(true), ['tiny 2 READY']);
    assert.deepEqual([await health('tiny'), await health('tiny/2')], [Status.SERVING, Status.SERVING]);
    await assert.rejects(health('tiny/1'), { code: 'NOT_FOUND' });

    const version = { parameterChoice: { $case: 'int64Param' as const, value: 1n } };
    await open.repositoryModelLoad({ repositoryName: '', modelName: 'tiny', parameters: { version } });
    assert.equal((await open.modelInfer(request(0))).modelVersion, '1');
    await eventually(() => assert.rejects(health('tiny/2'), { code: 'NOT_FOUND' }));
    assert.equal(await health('tiny/1'), Status.SERVING);

    await open.repositoryModelUnload({ repositoryName: '', modelName: 'tiny', parameters: {} });
    assert.deepEqual(await open.serverReady({}), { ready: false });
    await assert.rejects(health('tiny'), { code: 'NOT_FOUND' });

    const config = { parameterChoice: { $case: 'stringParam' as const, value: '{}' } };
    const refused = [
      [{ repositoryName: 'mine', modelName: 'tiny', parameters: {} }, /repository "mine"/],
      [{ repositoryName: '', modelName: 'tiny', parameters: { config } }, /parameter config/],
      [{ repositoryName: '', modelName: 'tiny', parameters: { version: config } }, /version "\{\}"/],
    ] as const;
    for (const [load, message] of refused) {
      await assert.rejects(open.repositoryModelLoad(load), { code: 'INVALID_ARGUMENT', message });
    }
  });

  test('what a node does not have is said: shared memory, trace and log settings', async () => {
    const { open } = await start([1n]);
    assert.deepEqual(await open.systemSharedMemoryStatus({ name: '' }), { regions: {} });
    assert.deepEqual(await open.cudaSharedMemoryStatus({ name: '' }), { regions: {} });
    await open.systemSharedMemoryUnregister({ name: '' });
    await assert.rejects(open.systemSharedMemoryStatus({ name: 'r' }), { code: 'NOT_FOUND' });
    const region = { name: 'r', key: '/r', offset: 0n, byteSize: 8n };
    for (const call of [
      () => open.systemSharedMemoryRegister(region),
      () => open.traceSetting({ settings: {}, modelName: '' }),
      () => open.logSettings({ settings: {} }),
    ]) {
      await assert.rejects(call(), { code: 'UNIMPLEMENTED', message: /^cannot [^\n]+: [^\n]+$/ });
    }
    const parameters = {
      shared_memory_region: { parameterChoice: { $case: 'stringParam' as const, value: 'r' } },
    };
    const [image] = request(0).inputs;
    assert.ok(image !== undefined);
    const classification = { parameterChoice: { $case: 'int64Param' as const, value: -3n } };
    const asked: readonly (readonly [Partial<ModelInferRequest>, RegExp])[] = [
      [{ inputs: [{ ...image, parameters }], rawInputContents: [] }, /^cannot infer: input image is in shared memory/],
      [{ outputs: [{ name: 'scores', parameters }] }, /^cannot infer: output scores is to go to shared memory/],
    ];
    for (const [change, message] of asked) {
      await assert.rejects(open.modelInfer(request(0, change)), { code: 'UNIMPLEMENTED', message });
    }
    await assert.rejects(
      open.modelInfer(request(0, { outputs: [{ name: 'scores', parameters: { classification } }] })),
      { code: 'INVALID_ARGUMENT', message: /classification of output scores is not a whole number/ },
    );
  });

  test('a node is not ready while its only model cannot be loaded again, and is once it can', async () => {
    const { node, folder, open, health } = await start([1n]);
    const readyz = async () => (await fetch(`http://${node.http}/readyz`)).status;
    const readiness = async () => [
      (await open.serverReady({})).ready,
      (await open.modelReady({ name: 'tiny', version: '' })).ready,
      (await health('tiny')) === Status.SERVING,
      (await health('tiny/1')) === Status.SERVING,
      (await readyz()) === 200,
    ];
    assert.deepEqual(await readiness(), [true, true, true, true, true]);
    const path = join(folder, 'tiny', '1', 'model.tflite');
    await rename(path, `${path}.away`);
    process.kill(node.runtimePids[0] ?? 0, 'SIGKILL');
    await eventually(async () => assert.deepEqual(await readiness(), [false, false, false, false, false]), 20_000);
    assert.deepEqual(await open.serverLive({}), { live: true });
    await assert.rejects(open.modelInfer(request(0)), { code: 'UNAVAILABLE' });
    await rename(`${path}.away`, path);
    await eventually(async () => assert.deepEqual(await readiness(), [true, true, true, true, true]), 20_000);
    assert.equal((await open.modelInfer(request(0), { timeoutMs: 10_000 })).modelVersion, '1');
  });
});
