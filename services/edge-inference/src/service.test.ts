import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { childrenOf, noProc } from './processes-for-tests.js';
import sharp from 'sharp';
import { systemClock } from '@atoll/base/clock';
import { isAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { InferenceServiceService, PredictRequest } from '@atoll/proto/atoll/v1/inference';
import { GRPCInferenceServiceService, InferTensorContents } from '@atoll/proto/inference/open_inference_grpc';
import type { ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import type { Channel, RpcClient } from '@atoll/rpc/channel';
import { openChannel } from '@atoll/rpc/channel';
import type { EdgeInferenceConfig } from './config.js';
import type { PackageMaker } from './packages-for-tests.js';
import { classNames, packageMaker, pictureSize, pixels, testConfig } from './packages-for-tests.js';
import type { RunningEdgeInference } from './service.js';
import { startEdgeInference } from './service.js';

const never = new AbortController().signal;

interface Node {
  readonly running: RunningEdgeInference;
  readonly channel: Channel;
  readonly own: RpcClient<typeof InferenceServiceService>;
  readonly open: RpcClient<typeof GRPCInferenceServiceService>;
}

const nodes: Node[] = [];

async function startNode(change: Partial<EdgeInferenceConfig> = {}): Promise<Node> {
  const running = await startEdgeInference({ ...testConfig, ...change }, { log: silentLogger, clock: systemClock });
  const channel = openChannel(running.address);
  const node = {
    running,
    channel,
    own: channel.client(InferenceServiceService),
    open: channel.client(GRPCInferenceServiceService),
  };
  nodes.push(node);
  return node;
}

const shape = [1n, BigInt(pictureSize), BigInt(pictureSize), 3n];

function inputTensor(name: string, datatype: string, dimensions: readonly bigint[]) {
  return { name, datatype, shape: [...dimensions], parameters: {}, contents: undefined };
}

function inferRequest(seed: number, change: Partial<ModelInferRequest> = {}): ModelInferRequest {
  return {
    modelName: 'tiny',
    modelVersion: '',
    id: `request ${seed}`,
    parameters: {},
    inputs: [inputTensor('image', 'UINT8', shape)],
    outputs: [],
    rawInputContents: [Buffer.from(pixels(seed))],
    ...change,
  };
}

describe('an edge node', () => {
  let maker: PackageMaker;
  before(async () => {
    maker = await packageMaker();
  });
  after(async () => {
    for (const { running, channel } of nodes) {
      channel.close();
      await running.stop();
    }
    await maker.remove();
  });

  test('ModelInfer answers raw contents raw and typed contents typed, with the version and the backend', async () => {
    const { running, open } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const raw = await open.modelInfer(inferRequest(3));
    const expected = await maker.answer(1n, 3);
    assert.deepEqual([raw.modelName, raw.modelVersion, raw.id], ['tiny', '1', 'request 3']);
    assert.deepEqual(
      raw.rawOutputContents.map((bytes) => [...bytes]),
      [[...expected]],
    );
    assert.deepEqual(
      raw.outputs.map(({ name, datatype, shape, contents }) => ({ name, datatype, shape, contents })),
      [{ name: 'scores', datatype: 'UINT8', shape: [1n, 6n], contents: undefined }],
    );
    assert.equal(raw.parameters['backend']?.parameterChoice?.value, running.swapper.active('tiny')?.backend);

    const typedContents = InferTensorContents.fromPartial({ uintContents: [...pixels(3)] });
    const typed = await open.modelInfer(
      inferRequest(3, {
        rawInputContents: [],
        inputs: [{ ...inputTensor('image', 'UINT8', shape), contents: typedContents }],
      }),
    );
    assert.deepEqual(typed.outputs[0]?.contents?.uintContents, [...expected]);
    assert.deepEqual(typed.rawOutputContents, []);
  });

  test('ModelInfer refuses what does not fit the model, naming it', async () => {
    const { running, open } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const table: readonly (readonly [Partial<ModelInferRequest>, RegExp])[] = [
      [{ inputs: [], rawInputContents: [] }, /takes 1 inputs, not 0/],
      [{ inputs: [inputTensor('img', 'UINT8', shape)] }, /no input img, it takes image/],
      [{ inputs: [inputTensor('image', 'FP32', shape)] }, /is UINT8, not FP32/],
      [{ inputs: [inputTensor('image', 'UINT8', [1n, 3n])] }, /has shape \[1, 16, 16, 3\], not \[1, 3\]/],
      [{ rawInputContents: [Buffer.alloc(5)] }, /takes 768 bytes, not 5/],
      [{ rawInputContents: [Buffer.alloc(768), Buffer.alloc(1)] }, /2 raw contents for 1 inputs/],
      [{ rawInputContents: [] }, /has no contents/],
      [{ outputs: [{ name: 'boxes', parameters: {} }] }, /no output boxes/],
      [{ modelVersion: 'latest' }, /version "latest"/],
    ];
    for (const [change, message] of table) {
      await assert.rejects(open.modelInfer(inferRequest(1, change)), { code: 'INVALID_ARGUMENT', message });
    }
    await assert.rejects(open.modelInfer(inferRequest(1, { modelName: 'other' })), {
      code: 'NOT_FOUND',
      message: 'cannot find model other: this node serves tiny v1',
    });
    await assert.rejects(open.modelInfer(inferRequest(1, { modelVersion: '7' })), { code: 'NOT_FOUND' });
    assert.equal(running.swapper.stats('tiny', 1n).errors, 0);
  });

  test('readiness and metadata follow what is in service', async () => {
    const { running, open } = await startNode();
    assert.deepEqual(await open.serverLive({}), { live: true });
    assert.deepEqual(await open.serverReady({}), { ready: false });
    assert.deepEqual(await open.modelReady({ name: 'tiny', version: '' }), { ready: false });
    await running.swapper.activate(await maker.make(2n), never);
    assert.deepEqual(await open.serverReady({}), { ready: true });
    assert.deepEqual(await open.modelReady({ name: 'tiny', version: '2' }), { ready: true });
    assert.deepEqual(await open.modelReady({ name: 'tiny', version: '1' }), { ready: false });
    const metadata = await open.modelMetadata({ name: 'tiny', version: '' });
    assert.deepEqual(metadata.versions, ['2']);
    assert.deepEqual(metadata.inputs, [{ name: 'image', datatype: 'UINT8', shape: [1n, 16n, 16n, 3n] }]);
  });

  test('Predict decodes the photo as the package says and ranks the classes', async () => {
    const { running, own } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const raw = { width: pictureSize, height: pictureSize, channels: 3 } as const;
    const image = await sharp(Buffer.from(pixels(5)), { raw })
      .png()
      .toBuffer();
    const answer = await own.predict(PredictRequest.fromPartial({ model: 'tiny', image, top: 6 }));
    const scores = [...(await maker.answer(1n, 5))];
    const ranked = classNames
      .map((label, index) => ({ label, index, score: Math.fround((scores[index] ?? 0) / 256) }))
      .toSorted((a, b) => b.score - a.score || a.index - b.index);
    assert.deepEqual(answer.predictions, ranked);
    assert.deepEqual([answer.model, answer.version], ['tiny', 1n]);
    assert.ok(answer.latencyMs >= answer.inferMs && answer.inferMs > 0);
    await assert.rejects(own.predict(PredictRequest.fromPartial({ model: 'tiny', image: Buffer.from('no photo') })), {
      code: 'INVALID_ARGUMENT',
    });

    const photos = [image, Buffer.from('no photo'), image];
    const answers = own.predictStream(
      (async function* () {
        for (const photo of photos) yield { request: PredictRequest.fromPartial({ model: 'tiny', image: photo }) };
      })(),
    );
    const kinds: (string | undefined)[] = [];
    for await (const { result } of answers) kinds.push(result?.$case);
    assert.deepEqual(kinds, ['response', 'error', 'response']);
  });

  test('a swap under load fails no request, every answer is that of the version it names, and the old one leaves', async () => {
    const { running, open, own } = await startNode({ slots: 2 });
    await running.swapper.activate(await maker.make(1n), never);
    const seeds = [0, 1, 2, 3, 4, 5, 6, 7];
    const expected = new Map<string, Buffer[]>();
    for (const version of [1n, 2n]) {
      expected.set(
        String(version),
        await Promise.all(seeds.map(async (seed) => Buffer.from(await maker.answer(version, seed)))),
      );
    }
    const seen = new Map<string, number>();
    const end = new AbortController();
    const client = async (): Promise<void> => {
      for (let i = 0; !end.signal.aborted && i < 20_000; i++) {
        const seed = seeds[i % seeds.length] ?? 0;
        const answer = await open.modelInfer(inferRequest(seed), { timeoutMs: 10_000 });
        assert.deepEqual(answer.rawOutputContents[0], expected.get(answer.modelVersion)?.[seed]);
        seen.set(answer.modelVersion, (seen.get(answer.modelVersion) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 4 }, client);
    const served = (version: string, atLeast: number) =>
      eventually(() => assert.ok((seen.get(version) ?? 0) >= atLeast, `${version}: ${seen.get(version)}`));
    await served('1', 100);
    const stages: string[] = [];
    const result = await running.swapper.activate(await maker.make(2n), never, (stage) => stages.push(stage));
    assert.equal(result.outcome, 'ok');
    assert.deepEqual(stages, ['probing', 'swapping']);
    await served('2', 100);
    await running.swapper.revert('tiny');
    const before = seen.get('1') ?? 0;
    await served('1', before + 100);
    end.abort();
    await Promise.all(clients);
    const { versions } = await own.describeModels({});
    assert.deepEqual(
      versions.map(({ version, state, inService }) => [version, state, inService]),
      [[1n, 'ready', true]],
    );
    const numbers = running.swapper.stats('tiny', 2n);
    assert.equal(numbers.errors, 0);
    assert.equal(numbers.requests, seen.get('2'));
    await assert.rejects(running.swapper.revert('tiny'), { code: 'FAILED_PRECONDITION' });
  });

  test('a version that does not hold what its package promises leaves the old one in service', async () => {
    const { running, open } = await startNode({ probeBudgetMs: 1_000 });
    const good = await maker.make(1n);
    await running.swapper.activate(good, never);
    const second = await maker.make(2n);
    const [file] = second.files;
    const [golden] = second.golden;
    assert.ok(file !== undefined && golden !== undefined);
    const broken = await maker.write('broken.tflite', Buffer.from('this is not a model'));
    const table = [
      [
        'GOLDEN_MISMATCH',
        { golden: [{ ...golden, output: (await maker.make(3n)).golden[0]?.output ?? golden.output }] },
      ],
      ['LOAD_FAILED', { files: [{ ...file, ...broken }] }],
      ['LOAD_FAILED', { files: [{ ...file, sha256: broken.sha256 }] }],
      ['BAD_PACKAGE', { labels: ['one', 'two'] }],
      [
        'BAD_PACKAGE',
        { inputs: [{ name: 'image', dtype: 'int8', shape: [1, 16, 16, 3], scale: null, zeroPoint: null }] },
      ],
    ] as const;
    for (const [reason, change] of table) {
      const result = await running.swapper.activate({ ...second, ...change }, never);
      assert.equal(result.outcome === 'failed' ? result.reason : result.outcome, reason);
      assert.match(result.outcome === 'failed' ? result.message : '', /^cannot serve tiny v2: [^\n]+$/);
      assert.equal(running.swapper.active('tiny')?.version, 1n);
      assert.equal((await open.modelInfer(inferRequest(1))).modelVersion, '1');
    }
    assert.equal((await running.swapper.activate(second, never)).outcome, 'ok');
  });

  test('a retired model leaves service once its requests are answered, and the node is ready no more', async () => {
    const { running, open } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const asked = Array.from({ length: 20 }, (_, seed) => open.modelInfer(inferRequest(seed)));
    const answers = Promise.allSettled(asked);
    // From the first answer on, the others are under way or have come too late; none fails otherwise.
    assert.equal((await Promise.race(asked)).modelVersion, '1');
    await running.swapper.retire('tiny');
    for (const answer of await answers) {
      if (answer.status === 'fulfilled') assert.equal(answer.value.modelVersion, '1');
      else assert.ok(isAtollError(answer.reason, 'NOT_FOUND'), String(answer.reason));
    }
    assert.equal(running.swapper.active('tiny'), undefined);
    assert.deepEqual(await open.serverReady({}), { ready: false });
    await assert.rejects(open.modelInfer(inferRequest(1)), { code: 'NOT_FOUND' });
    await running.swapper.activate(await maker.make(2n), never);
    assert.equal((await open.modelInfer(inferRequest(1))).modelVersion, '2');
  });

  test('a version that is slower than the node allows is not put into service', async () => {
    const { running } = await startNode({ probeBudgetMs: 0 });
    const result = await running.swapper.activate(await maker.make(1n), never);
    assert.equal(result.outcome === 'failed' ? result.reason : result.outcome, 'TOO_SLOW');
    assert.equal(running.swapper.active('tiny'), undefined);
  });

  test('a version that ends the process that tries it leaves the node as it is', { skip: noProc }, async () => {
    const { running, open } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const before = await childrenOf(process.pid);
    const result = running.swapper.activate(await maker.make(2n), never);
    const probe = await eventually(
      async () => {
        const [found] = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid));
        assert.ok(found !== undefined);
        return found;
      },
      10_000,
      1,
    );
    process.kill(probe, 'SIGKILL');
    const { outcome, ...failure } = await result;
    assert.equal(outcome === 'failed' && 'reason' in failure ? failure.reason : outcome, 'CRASHED');
    assert.equal((await open.modelInfer(inferRequest(1))).modelVersion, '1');
    assert.equal(running.swapper.stats('tiny', 1n).crashes, 0);
  });

  test('an activation that is given up while it is tried changes nothing', async () => {
    const { running } = await startNode();
    const controller = new AbortController();
    const reason = new Error('given up');
    const activation = running.swapper.activate(await maker.make(1n), controller.signal, () =>
      controller.abort(reason),
    );
    await assert.rejects(activation, reason);
    assert.equal(running.swapper.active('tiny'), undefined);
    assert.equal((await running.swapper.activate(await maker.make(1n), never)).outcome, 'ok');
  });

  test('a killed runtime process costs at most the request in it and is back', async () => {
    const { running, open } = await startNode();
    await running.swapper.activate(await maker.make(1n), never);
    const [pid] = running.runtimePids;
    assert.ok(pid !== undefined);
    const requests = Array.from({ length: 40 }, (_, seed) =>
      open.modelInfer(inferRequest(seed), { timeoutMs: 10_000 }),
    );
    await requests[0];
    process.kill(pid, 'SIGKILL');
    const failed = (await Promise.allSettled(requests)).flatMap((r) =>
      r.status === 'rejected' ? [r.reason as unknown] : [],
    );
    assert.ok(failed.length <= 1, failed.map(String).join('; '));
    assert.ok(failed.every((error) => isAtollError(error, 'UNAVAILABLE')));
    assert.equal(running.swapper.stats('tiny', 1n).crashes, 1);
    assert.equal((await open.modelInfer(inferRequest(1))).modelVersion, '1');
  });

  test('a full queue and a passed deadline are refused, what waited is answered', async () => {
    const { running, open } = await startNode({ queueLimit: 2 });
    await running.swapper.activate(await maker.make(1n), never);
    const [pid] = running.runtimePids;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    // Less than a process may stand still.
    const late = open.modelInfer(inferRequest(0), { timeoutMs: 50 });
    const patient = Array.from({ length: 5 }, (_, seed) => open.modelInfer(inferRequest(seed), { timeoutMs: 9_000 }));
    const settled = Promise.allSettled(patient);
    await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
    process.kill(pid, 'SIGCONT');
    const results = await settled;
    const refused = results.flatMap((r) => (r.status === 'rejected' ? [r.reason as unknown] : []));
    assert.equal(refused.length, 2);
    for (const error of refused) assert.ok(isAtollError(error, 'RESOURCE_EXHAUSTED'), String(error));
    assert.equal(results.length - refused.length, 3);
  });

  test('a port in use and a model file that is none are one line, and nothing is left running', async () => {
    const { running } = await startNode();
    await assert.rejects(startNode({ listen: running.address }), {
      code: 'FAILED_PRECONDITION',
      message: `cannot listen on ${running.address}: the address is in use`,
    });
    const { path } = await maker.write(
      'cut.tflite',
      (await import('node:fs')).readFileSync((await maker.make(1n)).files[0]?.path ?? '').subarray(0, 500),
    );
    await assert.rejects(startNode({ models: [{ name: 'cut', path }] }), { message: /^cannot [^\n]+$/ });
  });

  test('a model given as a file is version 1; health and metrics are told over HTTP', async () => {
    const path = (await maker.make(4n)).files[0]?.path ?? '';
    await maker.write('labels.txt', Buffer.from(`${classNames.join('\n')}\n`));
    const { running, own } = await startNode({ models: [{ name: 'from-file', path }], httpListen: '127.0.0.1:0' });
    const { versions } = await own.describeModels({});
    assert.deepEqual(
      running.models.map(({ name, version }) => [name, version]),
      [['from-file', 1n]],
    );
    assert.deepEqual(
      versions.map(({ model, version, labels }) => [model, version, labels]),
      [['from-file', 1n, [...classNames]]],
    );
    const get = async (what: string) => fetch(`http://${running.http}${what}`);
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
    assert.equal((await get('/readyz?verbose')).status, 200);
    for (const path of ['/nothing', '//', '//[']) assert.equal((await get(path)).status, 404, path);
    assert.match(
      await (await get('/metrics')).text(),
      /atoll_model_in_service\{model="from-file",version="1",backend="[a-z-]+",device="cpu"\} 1/,
    );
  });
});
