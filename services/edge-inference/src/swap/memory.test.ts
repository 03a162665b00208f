import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import type { SwapConfig } from '../config/swap.js';
import { defaultSwap } from '../config/swap.js';
import type { ModelPackage } from '../models/model-package.js';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker } from '../packages-for-tests.js';

const never = new AbortController().signal;
const mb = 2 ** 20;

describe('a node with a memory budget', { timeout: 120_000 }, () => {
  let maker: PackageMaker;
  /** What one of the tiny models takes here. */
  let modelBytes: number;
  const started: NodeUnderTest[] = [];

  const start = async (models: number, swap: Partial<SwapConfig> = {}, queueLimit = 64): Promise<NodeUnderTest> => {
    const trial = { ...defaultSwap.trial, durationMs: 0 };
    const memoryBudgetBytes = Math.round(models * modelBytes);
    const node = await nodeUnderTest({ swap: { ...defaultSwap, trial, memoryBudgetBytes, ...swap }, queueLimit });
    started.push(node);
    return node;
  };
  const ask = async ({ open }: NodeUnderTest, modelName: string, timeoutMs = 20_000): Promise<string> =>
    (await open.modelInfer(inferRequest(1, { modelName }), { timeoutMs })).modelVersion;
  const activate = async ({ running }: NodeUnderTest, pkg: ModelPackage): Promise<string> => {
    const result = await running.swapper.activate(pkg, never);
    return result.outcome === 'ok' ? 'ok' : `${result.reason}: ${result.message}`;
  };
  const loaded = ({ running }: NodeUnderTest): string[] =>
    running.swapper
      .versions()
      .map(({ served }) => `${served.pkg.model} v${served.pkg.version}`)
      .toSorted((a, b) => (a < b ? -1 : 1));
  const decisions = ({ running }: NodeUnderTest, model: string): string[] =>
    (running.swapper.describe().find(({ name }) => name === model)?.decisions ?? []).map(
      ({ kind, version }) => `${kind} v${version}`,
    );

  before(async () => {
    maker = await packageMaker();
    const node = await nodeUnderTest();
    await activate(node, await maker.make(1n, { model: 'a' }));
    modelBytes = node.running.swapper.memory.usedBytes;
    await node.stop();
    assert.ok(modelBytes > mb / 4, `${modelBytes}`);
  });
  afterEach(async () => {
    for (const node of started.splice(0)) await node.stop();
  });
  after(() => maker.remove());

  test('the least recently used model rests, and its next requests share one load', async () => {
    const node = await start(2.5);
    for (const model of ['a', 'b']) assert.equal(await activate(node, await maker.make(1n, { model })), 'ok');
    await ask(node, 'b');
    await ask(node, 'a');
    assert.equal(await activate(node, await maker.make(1n, { model: 'c' })), 'ok');
    assert.deepEqual(loaded(node), ['a v1', 'c v1']);
    assert.deepEqual(await node.open.modelReady({ name: 'b', version: '' }), { ready: true });
    assert.equal(node.running.swapper.active('b')?.version, 1n);

    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(node, 'b')));
    assert.deepEqual([...new Set(answers)], ['1']);
    assert.deepEqual(decisions(node, 'b'), ['stable v1', 'evicted v1', 'reloaded v1']);
    assert.equal(loaded(node).length, 2);
    assert.ok(node.running.swapper.memory.usedBytes <= node.running.swapper.memory.budgetBytes);
    assert.equal(node.running.swapper.stats('b', 1n).requests, 21);
  });

  test('a pinned model stays, and what does not fit beside it is refused with the numbers', async () => {
    const node = await start(1.5, { pinned: ['a'] });
    assert.equal(await activate(node, await maker.make(1n, { model: 'a' })), 'ok');
    const refused = await activate(node, await maker.make(1n, { model: 'b' }));
    assert.match(
      refused,
      /^NO_ROOM: cannot serve b v1: it needs [\d.]+ MB of memory, and of the node's memory budget of [\d.]+ MB models that may not leave hold [\d.]+ MB$/,
    );
    assert.deepEqual(loaded(node), ['a v1']);
    assert.equal(await ask(node, 'a'), '1');
  });

  test('a model that alone is above the budget is refused with the numbers, what serves is not disturbed', async () => {
    const node = await start(1.5);
    assert.equal(await activate(node, await maker.make(1n, { model: 'a' })), 'ok');
    const big = await maker.make(2n, { model: 'big' });
    const [file] = big.files;
    assert.ok(file !== undefined);
    // Bytes behind the model are read and kept with it.
    const padded = Buffer.concat([await readFile(file.path), Buffer.alloc(2 * Math.ceil(modelBytes), 1)]);
    const written = await maker.write('padded.tflite', padded);
    const refused = await activate(node, { ...big, files: [{ ...file, ...written }] });
    assert.match(
      refused,
      /^NO_ROOM: cannot serve big v2: it needs [\d.]+ MB of memory, the node's memory budget is [\d.]+ MB$/,
    );
    assert.deepEqual(loaded(node), ['a v1']);
  });

  test('without room for two versions the old one leaves first; requests wait and none fails', async () => {
    const node = await start(1.5);
    assert.equal(await activate(node, await maker.make(1n, { model: 'a' })), 'ok');
    const seen = new Set<string>();
    const end = new AbortController();
    const clients = Array.from({ length: 4 }, async () => {
      while (!end.signal.aborted) seen.add(await ask(node, 'a'));
    });
    await eventually(() => assert.ok(seen.has('1')), 10_000, 1);
    assert.equal(await activate(node, await maker.make(2n, { model: 'a' })), 'ok');
    await eventually(() => assert.ok(seen.has('2')), 10_000, 1);
    end.abort();
    await Promise.all(clients);
    assert.deepEqual(loaded(node), ['a v2']);
  });

  test('when the new version then fails, the old one is loaded again', async () => {
    const node = await start(1.5);
    assert.equal(await activate(node, await maker.make(1n, { model: 'a' })), 'ok');
    const second = await maker.make(2n, { model: 'a' });
    const path = second.files[0]?.path ?? '';
    const whole = await readFile(path);
    let spoilt: Promise<void> | undefined;
    const result = await node.running.swapper.activate(second, never, (stage) => {
      if (stage === 'swapping') spoilt = writeFile(path, whole.subarray(0, 100));
    });
    await spoilt;
    assert.equal(result.outcome === 'failed' ? result.reason : result.outcome, 'LOAD_FAILED');
    assert.deepEqual(loaded(node), ['a v1']);
    assert.equal(await ask(node, 'a'), '1');
    await writeFile(path, whole);
    assert.equal(await activate(node, second), 'ok');
  });

  test('a resting model that does not load again is UNAVAILABLE with the reason, and serves once it does', async () => {
    const node = await start(1.5);
    const first = await maker.make(8n, { model: 'a' });
    const path = first.files[0]?.path ?? '';
    assert.equal(await activate(node, first), 'ok');
    assert.equal(await activate(node, await maker.make(1n, { model: 'b' })), 'ok');
    const whole = await readFile(path);
    await rm(path);
    await assert.rejects(ask(node, 'a'), {
      code: 'UNAVAILABLE',
      message: /^cannot load model a again: [^\n]*no such file/,
    });
    await writeFile(path, whole);
    assert.equal(await ask(node, 'a'), '8');
  });

  test('requests wait for a load no longer than their deadline, and no more of them than the queue holds', async () => {
    const node = await start(1.5, {}, 2);
    for (const model of ['a', 'b']) assert.equal(await activate(node, await maker.make(1n, { model })), 'ok');
    const [pid] = node.running.runtimePids;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    try {
      const waiting = [ask(node, 'a', 300), ask(node, 'a', 300)].map((asked) =>
        assert.rejects(asked, { code: 'DEADLINE_EXCEEDED' }),
      );
      await Promise.all(waiting);
      await eventually(
        async () => assert.rejects(ask(node, 'a', 100), { code: 'RESOURCE_EXHAUSTED', message: /2 requests wait/ }),
        10_000,
      );
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually(async () => assert.equal(await ask(node, 'a'), '1'), 10_000);
  });
});
