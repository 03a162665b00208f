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
import { compiledModel } from '@atoll/edgetpu/compiled-model-for-tests';
import { openModel } from '@atoll/runtime/open';
import { buildStandIn, standInAnswer, standInMissing } from '@atoll/runtime/stand-in-edgetpu-for-tests';
import type { StandIn } from '@atoll/runtime/stand-in-edgetpu-for-tests';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import type { Candidate } from './messages.js';
import { startPool } from './pool.js';
import type { DeviceStatus, PoolOptions, SlotPool } from './pool.js';

const { liteRt, tfLite } = cachePaths(process.env);
const size = 8;
const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256);
const patient = new AbortController().signal;
const image = { name: 'image', shape: [1, size, size, 3], scale: 1 / 255 };
const scores = { name: 'scores', shape: [1, 4] };

describe('a pool with an Edge TPU behind the stand-in for libedgetpu', { skip: standInMissing() }, () => {
  let standIn: StandIn;
  let device = '';
  let folder = '';
  const pools: SlotPool[] = [];
  const alarms: DeviceStatus[] = [];
  const crashes: (readonly string[])[] = [];

  const start = async (change: Partial<PoolOptions> = {}): Promise<SlotPool> => {
    const pool = await startPool({
      cpuSlots: 1,
      devices: [device],
      settings: { libraries: { liteRt, tfLite, edgeTpu: standIn.library }, threads: 1 },
      invokeTimeoutMs: 10_000,
      mendEveryMs: 50,
      log: silentLogger,
      onCrash: (handles) => void crashes.push(handles),
      onDevice: (status) => void alarms.push(status),
      ...change,
    });
    pools.push(pool);
    return pool;
  };
  const candidate = async (backend: Candidate['backend'], bytes: Uint8Array): Promise<Candidate> => {
    const digest = sha256(bytes);
    const path = join(folder, `${digest}.tflite`);
    await writeFile(path, bytes);
    return { backend, path, sha256: digest };
  };
  /** A compiled file and its twin for a CPU, and what each of them answers. */
  const version = async (seed: number) => {
    const { bytes, customOptions } = compiledModel({ seed, inputs: [image], outputs: [scores] });
    const twin = tinyClassifier({ seed, size, classes: 4, io: 'uint8' });
    const model = await openModel(twin, { backend: 'auto', libraries: { liteRt, tfLite } });
    const onCpu = model.runSync([picture]);
    await model.close();
    const onDevice = standInAnswer(customOptions, [picture], [4]);
    assert.notDeepEqual(onCpu, onDevice);
    return { compiled: await candidate('edgetpu', bytes), twin: await candidate('auto', twin), onCpu, onDevice };
  };
  /** Runs until the device does it; whatever answers, the answer is its own. */
  const backOnDevice = (pool: SlotPool, handle: string, made: Awaited<ReturnType<typeof version>>): Promise<void> =>
    eventually(async () => {
      const result = await pool.run(handle, [picture], patient);
      assert.deepEqual(result.outputs, result.device === 'cpu' ? made.onCpu : made.onDevice);
      assert.equal(result.device, device);
    });
  const seen = async (word: string): Promise<number> => {
    const lines = await standIn.journal();
    return lines.filter(({ line }) => line.startsWith(`${word} `)).length;
  };
  const opens = (): Promise<number> => seen('open');
  const runsSeen = (): Promise<number> => seen('run');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-devices-'));
    const built = await buildStandIn();
    standIn = built;
    [device = ''] = built.devices;
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.stop()));
    await standIn.fate('ok');
    await standIn.plug([device]);
    alarms.length = 0;
    crashes.length = 0;
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await standIn.remove();
  });

  test('a run goes to the device and its reply names it; the twin waits on the CPU', async () => {
    const pool = await start();
    const made = await version(1);
    const info = await pool.open('a', [made.compiled, made.twin]);
    assert.deepEqual([info.backend, info.device], ['edgetpu', device]);
    const result = await pool.run('a', [picture], patient);
    assert.deepEqual([result.backend, result.device, result.outputs], ['edgetpu', device, made.onDevice]);
    assert.deepEqual(pool.devices, [{ device, state: 'ready', reason: '', losses: 0, fallbacks: 0 }]);
    assert.deepEqual(alarms, []);
  });

  for (const fate of ['abort', 'error', 'hang'] as const) {
    test(`a device that is lost by ${fate}: the twin answers, labelled, with an alarm; then the device is back`, async () => {
      const pool = await start({ invokeTimeoutMs: fate === 'hang' ? 300 : 10_000 });
      const made = await version(2);
      await pool.open('a', [made.compiled, made.twin]);
      await standIn.fate(fate);
      const all = await Promise.all(Array.from({ length: 8 }, () => pool.run('a', [picture], patient)));
      for (const result of all) {
        assert.match(result.backend, /^native-/);
        assert.deepEqual([result.device, result.outputs], ['cpu', made.onCpu]);
      }
      assert.equal(pool.faultOf('a'), undefined);
      assert.deepEqual([alarms[0]?.device, alarms[0]?.state, alarms[0]?.losses], [device, 'lost', 1]);
      assert.notEqual(alarms[0]?.reason, '');
      // It is tried again and again while it fails, by one process after another.
      const tried = await runsSeen();
      if (fate !== 'hang') await eventually(async () => assert.ok((await runsSeen()) >= tried + 5));
      assert.equal(pool.devices[0]?.state, 'lost');
      await standIn.fate('ok');
      await backOnDevice(pool, 'a', made);
      assert.equal(alarms.at(-1)?.state, 'ready');
      // What ended the process in its run is told; an error that the library reports is the device's.
      assert.deepEqual(crashes[0], fate === 'error' ? [] : ['a']);
      assert.ok((pool.devices[0]?.fallbacks ?? 0) >= 8);
    });
  }

  test('a device that is unplugged stays lost until it is plugged in again', async () => {
    const pool = await start();
    const made = await version(3);
    await pool.open('a', [made.compiled, made.twin]);
    await standIn.plug([]);
    assert.deepEqual((await pool.run('a', [picture], patient)).outputs, made.onCpu);
    await eventually(() => assert.match(pool.devices[0]?.reason ?? '', /none is plugged in/));
    assert.equal((await pool.run('a', [picture], patient)).device, 'cpu');
    await standIn.plug([device]);
    await backOnDevice(pool, 'a', made);
    assert.deepEqual(
      alarms.map(({ state }) => state),
      ['lost', 'ready'],
    );
  });

  test('a node that starts without its device serves on the CPU, and takes the device when it comes', async () => {
    await standIn.plug([]);
    const pool = await start();
    const made = await version(4);
    const info = await pool.open('a', [made.compiled, made.twin]);
    assert.equal(info.device, 'cpu');
    assert.equal((await pool.run('a', [picture], patient)).device, 'cpu');
    await standIn.plug([device]);
    await backOnDevice(pool, 'a', made);
  });

  test('a device that comes back is looked at before it serves: one that answers wrongly stays lost, with the reason', async () => {
    await standIn.plug([]);
    const pool = await start();
    const made = await version(12);
    let fault = 'golden case 1 of 1: 4 of 4 output elements are off';
    const looked: Uint8Array[][] = [];
    await pool.open('a', [made.compiled, made.twin], async (_, run) => {
      looked.push((await run([picture])).outputs);
      if (fault !== '') throw new AtollError('FAILED_PRECONDITION', fault);
    });
    assert.deepEqual(looked, []);
    await standIn.plug([device]);
    await eventually(() => assert.equal(pool.devices[0]?.reason, fault));
    assert.deepEqual(looked[0], made.onDevice);
    assert.equal((await pool.run('a', [picture], patient)).device, 'cpu');
    fault = '';
    await backOnDevice(pool, 'a', made);
  });

  test('a device that hangs while a model is being loaded leaves it to the CPU', async () => {
    await standIn.fate('hang');
    const pool = await start({ loadTimeoutMs: 2_000 });
    const made = await version(13);
    const info = await pool.open('a', [made.compiled, made.twin]);
    assert.equal(info.device, 'cpu');
    assert.deepEqual((await pool.run('a', [picture], patient)).outputs, made.onCpu);
    await standIn.fate('ok');
    await backOnDevice(pool, 'a', made);
  });

  test('without a twin a lost device is UNAVAILABLE, with the reason, and no device at all is one clear line', async () => {
    const pool = await start();
    const { compiled } = await version(5);
    await pool.open('a', [compiled]);
    await standIn.plug([]);
    await assert.rejects(pool.run('a', [picture], patient), { code: 'UNAVAILABLE', message: /does not answer/ });
    await eventually(() =>
      assert.rejects(pool.run('a', [picture], patient), { code: 'UNAVAILABLE', message: /none is plugged in/ }),
    );
    assert.match(pool.faultOf('a') ?? '', /none is plugged in/);
    await assert.rejects(pool.open('b', [compiled]), { code: 'UNAVAILABLE', message: /none is plugged in/ });
    const bare = await start({ devices: [] });
    await assert.rejects(bare.open('a', [compiled]), {
      code: 'FAILED_PRECONDITION',
      message: 'cannot load a: its files are for an Edge TPU, and this node has none',
    });
  });

  test('the context of the device is kept while versions are swapped on it, and a delegate goes with its version', async () => {
    const pool = await start();
    const before = (await standIn.journal()).length;
    const [first, second] = [await version(6), await version(7)];
    await pool.open('v0', [first.compiled, first.twin]);
    for (let i = 1; i <= 6; i++) {
      const made = i % 2 === 0 ? first : second;
      await pool.open(`v${i}`, [made.compiled, made.twin]);
      assert.deepEqual((await pool.run(`v${i}`, [picture], patient)).outputs, made.onDevice);
      await pool.close(`v${i - 1}`);
    }
    const lines = (await standIn.journal()).slice(before).map(({ line }) => line.split(' ')[0]);
    const count = (word: string): number => lines.filter((line) => line === word).length;
    assert.deepEqual([count('open'), count('close'), count('stolen')], [1, 0, 0]);
    // One delegate of its own for the device, and one for the version that is still there.
    assert.deepEqual([count('delegate'), count('free'), count('load'), count('unload')], [8, 6, 7, 6]);
  });

  test('a device has one owner: a second node says who that is and serves on the CPU, until the first one goes', async () => {
    const [one, two] = [await start(), await start()];
    const made = await version(8);
    await one.open('a', [made.compiled, made.twin]);
    const opened = await opens();
    await two.open('a', [made.compiled, made.twin]);
    assert.equal((await two.run('a', [picture], patient)).device, 'cpu');
    assert.match(two.devices[0]?.reason ?? '', /^cannot use Edge TPU usb:.*: process \d+ owns it$/);
    assert.equal((await one.run('a', [picture], patient)).device, device);
    assert.equal(await opens(), opened);
    await one.stop();
    await backOnDevice(two, 'a', made);
    assert.ok((await standIn.journal()).every(({ line }) => !line.startsWith('stolen')));
  });

  test('files that answer in different shapes are not one package', async () => {
    const pool = await start();
    const { compiled } = await version(9);
    const other = await candidate('auto', tinyClassifier({ seed: 9, size, classes: 5, io: 'uint8' }));
    await assert.rejects(pool.open('a', [compiled, other]), {
      code: 'FAILED_PRECONDITION',
      message: /cannot use the files of one package in place of each other/,
    });
    assert.deepEqual(pool.devices[0]?.state, 'idle');
  });

  test('parts that come late and do not fit are never used: the twin goes on', async () => {
    const devices = [device, `${device}.2`];
    await standIn.plug([]);
    const pool = await start({ devices });
    const twin = await version(14);
    const part = async (index: number, inputs: string, outputs: string) => {
      const tensor = (name: string) =>
        name === 'image' ? image : name === 'scores' ? scores : { name, shape: [1, 16] };
      const { bytes } = compiledModel({ seed: index, inputs: [tensor(inputs)], outputs: [tensor(outputs)] });
      return { ...(await candidate('edgetpu', bytes)), segment: { index, count: 2 } };
    };
    await pool.open('a', [await part(0, 'image', 'middle'), await part(1, 'middle', 'middle'), twin.twin]);
    await standIn.plug(devices);
    await eventually(() => assert.ok(pool.devices.every(({ state }) => state === 'ready')));
    for (let i = 0; i < 3; i++) assert.deepEqual((await pool.run('a', [picture], patient)).outputs, twin.onCpu);
  });

  test('options of the device reach it from the settings of the node', async () => {
    const settings = { libraries: { liteRt, tfLite, edgeTpu: standIn.library }, threads: 1 };
    const pool = await start({ settings: { ...settings, edgeTpuOptions: { Performance: 'Low' } } });
    const made = await version(10);
    await pool.open('a', [made.compiled, made.twin]);
    assert.ok((await standIn.journal()).some(({ line }) => line === 'option Performance=Low'));
  });

  test('a cut model runs in a row over two devices, and as its twin while one is away', async (t) => {
    const devices = [device, `${device}.2`];
    await standIn.plug(devices);
    const pool = await start({ devices });
    const twin = await version(11);
    const middle = { name: 'middle', shape: [1, 16] };
    const head = compiledModel({ seed: 1, inputs: [image], outputs: [middle] });
    const tail = compiledModel({ seed: 2, inputs: [middle], outputs: [scores] });
    const parts = await Promise.all(
      [head, tail].map(async ({ bytes }, index) => ({
        ...(await candidate('edgetpu', bytes)),
        segment: { index, count: 2 },
      })),
    );
    const expected = standInAnswer(tail.customOptions, standInAnswer(head.customOptions, [picture], [16]), [4]);
    const info = await pool.open('a', [...parts, twin.twin]);
    assert.equal(info.device, devices.join('+'));
    const result = await pool.run('a', [picture], patient);
    assert.deepEqual([result.device, result.outputs], [devices.join('+'), expected]);
    await standIn.fate('slow 20');
    const timed = async (count: number): Promise<number> => {
      const began = performance.now();
      const runs = Array.from({ length: count }, () => pool.run('a', [picture], new AbortController().signal));
      await Promise.all(runs);
      return (count * 1_000) / (performance.now() - began);
    };
    const [alone, inARow] = [await timed(1), await timed(16)];
    t.diagnostic(`20 ms a part: one run at a time ${alone.toFixed(0)} runs/s, in a row ${inARow.toFixed(0)} runs/s`);
    await standIn.fate('ok');
    await standIn.plug([device]);
    const fallback = await pool.run('a', [picture], patient);
    assert.deepEqual([fallback.device, fallback.outputs], ['cpu', twin.onCpu]);
    await eventually(() =>
      assert.deepEqual(
        pool.devices.map(({ state }) => state),
        ['ready', 'lost'],
      ),
    );
    await standIn.plug(devices);
    await eventually(async () => assert.deepEqual((await pool.run('a', [picture], patient)).outputs, expected));
  });
});
