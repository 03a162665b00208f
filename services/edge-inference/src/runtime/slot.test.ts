import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { cachePaths } from '@atoll/base/cache';
import { sha256 } from '@atoll/base/digest';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { maxFrameBytes } from './frames.js';
import type { Candidate } from './messages.js';
import { startSlot } from './slot.js';
import type { Slot } from './slot.js';

const { liteRt, tfLite } = cachePaths(process.env);
const size = 8;
const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256);
const patient = new AbortController().signal;

describe('a slot', () => {
  let folder = '';
  const crashes: (readonly string[])[] = [];
  let onFault = (): void => undefined;
  const slots: Slot[] = [];

  const candidate = async (name: string, bytes: Uint8Array): Promise<Candidate> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return { backend: 'auto', path, sha256: sha256(bytes) };
  };
  const start = async (invokeTimeoutMs = 10_000, mendEveryMs = 5_000): Promise<Slot> => {
    const slot = await startSlot({
      settings: { libraries: { liteRt, tfLite }, threads: 1 },
      invokeTimeoutMs,
      mendEveryMs,
      log: silentLogger,
      onCrash: (handles) => void crashes.push(handles),
      onFault: () => onFault(),
    });
    slots.push(slot);
    return slot;
  };
  const tiny = (seed: number): Uint8Array => tinyClassifier({ seed, size, classes: 4, io: 'uint8' });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-slot-'));
  });
  after(async () => {
    await Promise.all(slots.map((slot) => slot.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  test('runs the model that was asked for, however many are loaded', async () => {
    const slot = await start();
    const info = await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    await slot.open('b', [await candidate('b.tflite', tiny(2))]);
    assert.deepEqual(info.inputs[0]?.shape, [1, size, size, 3]);
    const [a, b] = await Promise.all([slot.run('a', [picture], patient), slot.run('b', [picture], patient)]);
    assert.notDeepEqual(a.outputs, b.outputs);
    assert.deepEqual((await slot.run('a', [picture], patient)).outputs, a.outputs);
    await slot.close('b');
    await assert.rejects(slot.run('b', [picture], patient), { code: 'NOT_FOUND' });
  });

  test('refuses a file whose bytes are not those of its digest, and serves on', async () => {
    const slot = await start();
    const good = await candidate('good.tflite', tiny(3));
    await assert.rejects(slot.open('x', [{ ...good, sha256: sha256('something else') }]), { code: 'DATA_LOSS' });
    await slot.open('good', [good]);
    assert.equal((await slot.run('good', [picture], patient)).outputs.length, 1);
  });

  test('comes back with its models after its child is killed, and answers what was waiting', async () => {
    const slot = await start();
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    const expected = (await slot.run('a', [picture], patient)).outputs;
    const before = slot.pid;
    assert.ok(before !== undefined);
    crashes.length = 0;
    const runs = Array.from({ length: 20 }, () => slot.run('a', [picture], patient));
    process.kill(before, 'SIGKILL');
    const settled = await Promise.allSettled(runs);
    const failed = settled.filter((run) => run.status === 'rejected');
    assert.ok(failed.length <= 1, `${failed.length} failed`);
    for (const run of failed) assert.equal((run.reason as { code: string }).code, 'UNAVAILABLE');
    for (const run of settled) if (run.status === 'fulfilled') assert.deepEqual(run.value.outputs, expected);
    assert.notEqual(slot.pid, before);
    assert.deepEqual(crashes, [['a']]);
  });

  test(
    'a run that its child had not begun when it ended is answered by the next child',
    { skip: process.platform !== 'linux' && 'only Linux tells what an ended process had read' },
    async () => {
      const slot = await start();
      await slot.open('a', [await candidate('a.tflite', tiny(1))]);
      const expected = (await slot.run('a', [picture], patient)).outputs;
      const { pid } = slot;
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGSTOP');
      const sent = slot.run('a', [picture], patient);
      await setImmediate(); // The frame is on its way now, and nobody reads it.
      process.kill(pid, 'SIGKILL');
      assert.deepEqual((await sent).outputs, expected);
      assert.notEqual(slot.pid, pid);
    },
  );

  test('refuses inputs of the wrong number or size before they are sent', async () => {
    const slot = await start();
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    const { pid } = slot;
    await assert.rejects(slot.run('a', [], patient), { code: 'INVALID_ARGUMENT', message: /takes 1 inputs, not 0/ });
    await assert.rejects(slot.run('a', [picture.subarray(1)], patient), {
      code: 'INVALID_ARGUMENT',
      message: /takes 192 bytes, not 191/,
    });
    assert.equal((await slot.run('a', [picture], patient)).outputs.length, 1);
    assert.equal(slot.pid, pid);
  });

  test('runs one model while it loads others', async () => {
    const slot = await start();
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    const expected = (await slot.run('a', [picture], patient)).outputs;
    const others = await Promise.all(Array.from({ length: 6 }, (_, i) => candidate(`other-${i}.tflite`, tiny(10 + i))));
    const loads = others.map((other, i) => slot.open(`other-${i}`, [other]));
    const runs = await Promise.all(Array.from({ length: 50 }, () => slot.run('a', [picture], patient)));
    for (const run of runs) assert.deepEqual(run.outputs, expected);
    await Promise.all(loads);
    const outputs = await Promise.all(others.map((_, i) => slot.run(`other-${i}`, [picture], patient)));
    assert.equal(new Set(outputs.map((run) => run.outputs.join())).size, others.length);
  });

  test('a model whose file is away while its child is replaced serves again once the file is back', async () => {
    const slot = await start(10_000, 50);
    const faults: (string | undefined)[] = [];
    onFault = () => void faults.push(slot.faultOf('a'));
    const away = await candidate('away.tflite', tiny(5));
    await slot.open('a', [away]);
    const expected = (await slot.run('a', [picture], patient)).outputs;
    await rename(away.path, `${away.path}.away`);
    process.kill(slot.pid ?? 0, 'SIGKILL');
    await assert.rejects(slot.run('a', [picture], patient), { code: 'UNAVAILABLE', message: /could not be loaded/ });
    assert.match(faults.at(-1) ?? '', /away\.tflite/);
    assert.equal(slot.faultOf('another'), undefined);
    await rename(`${away.path}.away`, away.path);
    assert.deepEqual((await eventually(() => slot.run('a', [picture], patient))).outputs, expected);
    assert.deepEqual([slot.faultOf('a'), faults.at(-1)], [undefined, undefined]);
  });

  test('ends a child that hangs, fails its run alone, and serves the next', async () => {
    const slot = await start(300);
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    await slot.run('a', [picture], patient);
    const stuck = slot.pid;
    assert.ok(stuck !== undefined);
    const runs = Array.from({ length: 50 }, () => slot.run('a', [picture], patient));
    await runs[0];
    process.kill(stuck, 'SIGSTOP');
    const settled = await Promise.allSettled(runs);
    assert.ok(settled.filter((run) => run.status === 'rejected').length <= 1);
    await eventually(() => assert.notEqual(slot.pid, stuck));
    assert.equal((await slot.run('a', [picture], patient)).outputs.length, 1);
  });

  test('a run too large for a frame fails alone: the child stays and answers the next', async () => {
    const slot = await start();
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    const { pid } = slot;
    await assert.rejects(slot.run('a', [new Uint8Array(maxFrameBytes + 1)], patient), { code: 'DATA_LOSS' });
    assert.equal((await slot.run('a', [picture], patient)).outputs.length, 1);
    assert.equal(slot.pid, pid);
  });

  test('does not send a run whose caller went away', async () => {
    const slot = await start();
    await slot.open('a', [await candidate('a.tflite', tiny(1))]);
    const controller = new AbortController();
    const first = slot.run('a', [picture], patient);
    const atTheDoor = slot.run('a', [picture], patient);
    const waiting = slot.run('a', [picture], controller.signal);
    controller.abort();
    await Promise.all([first, atTheDoor, assert.rejects(waiting, { code: 'CANCELLED' })]);
  });

  test('its child is gone after stop', async () => {
    const slot = await start();
    const { pid } = slot;
    assert.ok(pid !== undefined);
    await slot.stop();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    await assert.rejects(slot.run('a', [picture], patient), { code: 'UNAVAILABLE' });
  });
});
