import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { cutModel, layeredModel } from '@atoll/runtime/layered-model-for-tests';
import type { TensorSpec } from '@atoll/runtime/model';
import { writeModel } from '@atoll/tflite/write';
import type { RunResult } from './child-process.js';
import type { LoadCheck } from './load-check.js';
import type { Candidate, LoadedInfo } from './messages.js';
import { createPipeline } from './pipeline.js';
import type { Stage } from './pipeline.js';
import { startPool } from './pool.js';
import type { SlotPool } from './pool.js';

const { liteRt, tfLite } = cachePaths(process.env);
const patient = new AbortController().signal;
const layers = { seed: 1, layers: 6, side: 32, channels: 32 };
const input = (seed: number): Uint8Array =>
  Uint8Array.from({ length: layers.side * layers.side * layers.channels }, (_, i) => (i * 31 + seed * 97) % 256);

describe('a model cut for two slots in a row', () => {
  let folder = '';
  const pools: SlotPool[] = [];
  const start = async (cpuSlots: number): Promise<SlotPool> => {
    const pool = await startPool({
      cpuSlots,
      devices: [],
      settings: { libraries: { liteRt, tfLite }, threads: 1 },
      invokeTimeoutMs: 10_000,
      mendEveryMs: 50,
      log: silentLogger,
      onCrash: (handles) => void crashes.push(...handles),
    });
    pools.push(pool);
    return pool;
  };
  const crashes: string[] = [];
  const candidate = async (bytes: Uint8Array, part?: number): Promise<Candidate> => {
    const digest = sha256(bytes);
    const path = join(folder, `${digest}.tflite`);
    await writeFile(path, bytes);
    const segment = part === undefined ? {} : { segment: { index: part, count: 2 } };
    return { backend: 'auto', path, sha256: digest, ...segment };
  };
  const made = async (seed: number, of = layers) => {
    const model = layeredModel({ ...of, seed });
    const [first, second] = cutModel(model, layers.layers / 2);
    return {
      whole: await candidate(writeModel(model)),
      parts: [await candidate(first, 0), await candidate(second, 1)],
    };
  };
  const outputsOf = async (pool: SlotPool, handle: string, count: number): Promise<Uint8Array[][]> => {
    const runs = Array.from({ length: count }, (_, seed) =>
      pool.run(handle, [input(seed)], new AbortController().signal),
    );
    return (await Promise.all(runs)).map(({ outputs }) => outputs);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-pipeline-'));
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.stop()));
    crashes.length = 0;
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('answers byte for byte as the whole model does, however many runs are under way', async (t) => {
    const { whole, parts } = await made(1);
    const [one, row] = [await start(1), await start(2)];
    await one.open('m', [whole]);
    const info = await row.open('m', parts);
    assert.deepEqual([info.inputs[0]?.name, info.outputs[0]?.name], ['layer 0', `layer ${layers.layers}`]);
    assert.deepEqual(await outputsOf(row, 'm', 24), await outputsOf(one, 'm', 24));
    // A model for which the hand-over is little beside the runs.
    const heavy = await made(6, { ...layers, side: 48, channels: 64 });
    await one.open('heavy', [heavy.whole]);
    await row.open('heavy', heavy.parts);
    const given = new Uint8Array(48 * 48 * 64);
    const timed = async (pool: SlotPool): Promise<number> => {
      const began = performance.now();
      const runs = Array.from({ length: 30 }, () => pool.run('heavy', [given], new AbortController().signal));
      await Promise.all(runs);
      return 30_000 / (performance.now() - began);
    };
    const [alone, inARow] = [await timed(one), await timed(row)];
    t.diagnostic(`whole in one slot ${alone.toFixed(0)} runs/s, in a row over two ${inARow.toFixed(0)} runs/s`);
  });

  test('when the slot of one part ends, the whole model answers on a CPU; then the row is back', async () => {
    const { whole, parts } = await made(2);
    const pool = await start(2);
    await pool.open('m', [...parts, whole]);
    const expected = await outputsOf(pool, 'm', 8);
    const [, second = 0] = pool.pids;
    const runs = Array.from({ length: 8 }, (_, seed) => pool.run('m', [input(seed)], patient));
    process.kill(second, 'SIGKILL');
    assert.deepEqual(
      (await Promise.all(runs)).map(({ outputs }) => outputs),
      expected,
    );
    assert.equal(pool.faultOf('m'), undefined);
    assert.ok(crashes.every((handle) => handle === 'm'));
    await eventually(async () => assert.deepEqual(await outputsOf(pool, 'm', 8), expected));
  });

  test('without a whole model, a part that ends fails the runs in it alone', async () => {
    const { parts } = await made(3);
    const pool = await start(2);
    await pool.open('m', parts);
    const [expected] = await outputsOf(pool, 'm', 1);
    const [first = 0] = pool.pids;
    const runs = Array.from({ length: 8 }, () => pool.run('m', [input(0)], patient));
    process.kill(first, 'SIGKILL');
    const settled = await Promise.allSettled(runs);
    const failed = settled.filter((run) => run.status === 'rejected');
    assert.ok(failed.length <= 1, `${failed.length} failed`);
    for (const run of failed) assert.equal((run.reason as { code: string }).code, 'UNAVAILABLE');
    for (const run of settled) if (run.status === 'fulfilled') assert.deepEqual(run.value.outputs, expected);
  });

  const refusing =
    (why: () => string, looked: Uint8Array[][]) => async (info: LoadedInfo, run: Parameters<LoadCheck>[1]) => {
      assert.deepEqual([info.inputs[0]?.name, info.outputs[0]?.name], ['layer 0', `layer ${layers.layers}`]);
      looked.push((await run([input(0)])).outputs);
      if (why() !== '') throw new AtollError('FAILED_PRECONDITION', why());
    };
  const endOf = async (pool: SlotPool, part: number): Promise<void> => {
    const [...before] = pool.pids;
    process.kill(before[part] ?? 0, 'SIGKILL');
    await eventually(() => assert.ok(pool.pids.length === before.length && pool.pids[part] !== before[part]));
  };

  for (const part of [0, 1]) {
    test(`serves again once the whole row has answered, after part ${part} came back; else it is off, with the reason`, async () => {
      const { whole, parts } = await made(7);
      const pool = await start(2);
      let fault = 'golden case 1 of 1: 4 of 4 output elements are off';
      const looked: Uint8Array[][] = [];
      await pool.open(
        'm',
        parts,
        refusing(() => fault, looked),
      );
      await pool.open('whole', [whole]);
      const [expected] = await outputsOf(pool, 'whole', 1);
      assert.deepEqual([looked, await outputsOf(pool, 'm', 1)], [[], [expected]]);
      await endOf(pool, part);
      await eventually(() => assert.equal(pool.faultOf('m'), fault));
      // The row was asked as one, before anybody else.
      assert.deepEqual(looked[0], expected);
      await assert.rejects(pool.run('m', [input(0)], patient), {
        code: 'UNAVAILABLE',
        message: `cannot run m: ${fault}`,
      });
      fault = '';
      await eventually(() => assert.equal(pool.faultOf('m'), undefined));
      assert.deepEqual(await outputsOf(pool, 'm', 1), [expected]);
      const tried = looked.length;
      await outputsOf(pool, 'm', 8);
      assert.equal(looked.length, tried);
    });
  }

  test('a row that answers wrongly leaves its runs to the whole model, and takes them back when it answers', async () => {
    const { whole, parts } = await made(8);
    const pool = await start(2);
    let fault = 'golden case 1 of 1: all are off';
    const looked: Uint8Array[][] = [];
    await pool.open(
      'm',
      [...parts, whole],
      refusing(() => fault, looked),
    );
    const expected = await outputsOf(pool, 'm', 4);
    await endOf(pool, 1);
    for (let tries = 1; tries <= 2; tries++) {
      await eventually(() => assert.ok(looked.length >= tries));
      assert.deepEqual([await outputsOf(pool, 'm', 4), pool.faultOf('m')], [expected, undefined]);
    }
    fault = '';
    const tried = looked.length;
    await eventually(() => assert.ok(looked.length > tried));
    assert.deepEqual(await outputsOf(pool, 'm', 4), expected);
  });

  test('runs that wait while a part is replaced are answered by a row that has answered before them', async () => {
    const { parts } = await made(9);
    const pool = await start(2);
    const order: string[] = [];
    await pool.open('m', parts, async (_, run) => {
      await run([input(0)]);
      order.push('tried');
    });
    const [expected] = await outputsOf(pool, 'm', 1);
    const [, second = 0] = pool.pids;
    process.kill(second, 'SIGKILL');
    // The end of the process is not known yet, or it is: either way nothing is answered by a part that was not looked at.
    const runs = Array.from({ length: 6 }, async () => {
      const { outputs } = await pool.run('m', [input(0)], patient);
      order.push('ran');
      return outputs;
    });
    const settled = await Promise.allSettled(runs);
    const failed = settled.filter(({ status }) => status === 'rejected');
    assert.ok(failed.length <= 1, `${failed.length} failed`);
    for (const run of settled) if (run.status === 'fulfilled') assert.deepEqual(run.value, expected);
    assert.deepEqual(order, ['tried', ...Array<string>(6 - failed.length).fill('ran')]);
  });

  test('is swapped as one: parts of another cut are refused, and nothing of a model that was closed is left', async () => {
    const [{ parts: old }, { parts: young }] = [await made(4), await made(5)];
    const pool = await start(2);
    await pool.open('v1', old);
    const [, misfit] = cutModel(layeredModel({ ...layers, side: 16 }), 3);
    await assert.rejects(pool.open('v2', [...young.slice(0, 1), await candidate(misfit, 1)]), {
      code: 'FAILED_PRECONDITION',
      message: /cannot join segment 1 of 2: it takes layer 3 int8 \[1, 16, 16, 32\] .* and gets layer 3 int8 \[1, 32,/,
    });
    await assert.rejects(pool.open('v2', young.slice(0, 1)), { code: 'FAILED_PRECONDITION' });
    await pool.open('v3', young);
    assert.notDeepEqual(await outputsOf(pool, 'v3', 1), await outputsOf(pool, 'v1', 1));
    await pool.close('v1');
    await assert.rejects(pool.run('v1', [input(0)], patient), { code: 'NOT_FOUND' });
    assert.equal((await outputsOf(pool, 'v3', 1)).length, 1);
  });
});

describe('createPipeline()', () => {
  const spec = (name: string): TensorSpec => ({ name, dtype: 'uint8', shape: [1], scale: null, zeroPoint: null });
  const result = (outputs: Uint8Array[]): RunResult => ({
    outputs,
    backend: 'b',
    device: 'd',
    queueMs: 0,
    inputMs: 1,
    inferMs: 2,
    outputMs: 3,
  });
  /** A stage whose runs end when they are told to. */
  const stage = (inputs: string[], outputs: string[]) => {
    const runs: { given: readonly Uint8Array[]; end: (outputs: number[]) => void; fail: (error: Error) => void }[] = [];
    const self: Stage = {
      inputs: inputs.map(spec),
      outputs: outputs.map(spec),
      run: (given) =>
        new Promise((resolve, reject) => {
          runs.push({ given, end: (all) => resolve(result(all.map((v) => Uint8Array.of(v)))), fail: reject });
        }),
    };
    return { self, runs };
  };
  const bytes = (value: number): Uint8Array[] => [Uint8Array.of(value)];

  test('one run a stage is under way, in the order of asking; a stage hands on only when the next is free', async () => {
    const [a, b] = [stage(['x'], ['y']), stage(['y'], ['z'])];
    const row = createPipeline([a.self, b.self]);
    const runs = [1, 2, 3].map((value) => row.run(bytes(value), patient, true));
    await eventually(() => assert.equal(a.runs.length, 1));
    a.runs[0]?.end([10]);
    await eventually(() => assert.deepEqual([a.runs.length, b.runs.length], [2, 1]));
    a.runs[1]?.end([20]);
    await new Promise(setImmediate);
    assert.deepEqual([a.runs.length, b.runs.length], [2, 1]);
    b.runs[0]?.end([100]);
    await eventually(() => assert.deepEqual([a.runs.length, b.runs.length], [3, 2]));
    a.runs[2]?.end([30]);
    b.runs[1]?.end([200]);
    await eventually(() => assert.equal(b.runs.length, 3));
    b.runs[2]?.end([255]);
    const results = await Promise.all(runs);
    assert.deepEqual(
      results.map(({ outputs }) => outputs[0]?.[0]),
      [100, 200, 255],
    );
    assert.deepEqual([results[0]?.inferMs, results[0]?.outputMs, results[0]?.device], [4, 6, 'd']);
  });

  test('tensors find each other by name wherever they were made, and by order where names differ', async () => {
    const [a, b, c] = [stage(['x', 'w'], ['p', 'q']), stage(['q', 'w'], ['r']), stage(['other'], ['z'])];
    const row = createPipeline([a.self, b.self, c.self]);
    const run = row.run([Uint8Array.of(1), Uint8Array.of(2)], patient, true);
    await eventually(() => assert.equal(a.runs.length, 1));
    a.runs[0]?.end([3, 4]);
    await eventually(() => assert.equal(b.runs.length, 1));
    assert.deepEqual(b.runs[0]?.given, [Uint8Array.of(4), Uint8Array.of(2)]);
    b.runs[0].end([5]);
    await eventually(() => assert.equal(c.runs.length, 1));
    assert.deepEqual(c.runs[0]?.given, bytes(5));
    c.runs[0].end([6]);
    assert.deepEqual((await run).outputs, bytes(6));
    assert.throws(() => createPipeline([stage(['x'], ['y']).self, stage(['y', 'v'], ['z']).self]), {
      code: 'FAILED_PRECONDITION',
      message: 'cannot join segment 1 of 2: it takes v uint8 [1] and gets nothing',
    });
  });

  test('a run that fails or is given up leaves its place to the next', async () => {
    const [a, b] = [stage(['x'], ['y']), stage(['y'], ['z'])];
    const row = createPipeline([a.self, b.self]);
    const [first, second] = [row.run(bytes(1), patient, true), row.run(bytes(2), patient, true)];
    const controller = new AbortController();
    const third = row.run(bytes(3), controller.signal, true);
    const fourth = row.run(bytes(4), patient, true);
    controller.abort();
    await assert.rejects(third, { code: 'CANCELLED' });
    await eventually(() => assert.equal(a.runs.length, 1));
    a.runs[0]?.fail(new Error('gone'));
    await assert.rejects(first, /gone/);
    await eventually(() => assert.equal(a.runs.length, 2));
    a.runs[1]?.end([20]);
    await eventually(() => assert.equal(a.runs.length, 3));
    assert.deepEqual(a.runs[2]?.given, bytes(4));
    a.runs[2].end([40]);
    b.runs[0]?.fail(new Error('gone too'));
    await assert.rejects(second, /gone too/);
    await eventually(() => assert.equal(b.runs.length, 2));
    b.runs[1]?.end([200]);
    assert.deepEqual((await fourth).outputs, bytes(200));
  });
});
