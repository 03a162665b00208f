import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { layeredModel } from '@atoll/runtime/layered-model-for-tests';
import { tensorBytes } from '@atoll/runtime/model';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { writeModel } from '@atoll/tflite/write';
import { isBeforeRun } from './child-process.js';
import type { Candidate } from './messages.js';
import { startSlot } from './slot.js';
import type { Slot, SlotOptions } from './slot.js';

const { liteRt, tfLite } = cachePaths(process.env);
const size = 8;
const picture = new Uint8Array(size * size * 3);
const never = new AbortController().signal;
const onlyLinux = { skip: process.platform !== 'linux' && 'only Linux tells what a process does in /proc' };

describe('a slot whose child ends or hangs at a bad moment', () => {
  let folder = '';
  const slots: Slot[] = [];

  const candidate = async (name: string, bytes: Uint8Array): Promise<Candidate> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return { backend: 'auto', path, sha256: sha256(bytes) };
  };
  const start = async (more: Partial<SlotOptions> = {}): Promise<Slot> => {
    const slot = await startSlot({
      settings: { libraries: { liteRt, tfLite }, threads: 1 },
      invokeTimeoutMs: 10_000,
      log: silentLogger,
      onCrash: () => undefined,
      ...more,
    });
    slots.push(slot);
    return slot;
  };
  const tiny = (): Promise<Candidate> =>
    candidate('tiny.tflite', tinyClassifier({ seed: 1, size, classes: 4, io: 'uint8' }));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-slot-faults-'));
  });
  after(async () => {
    await Promise.all(slots.map((slot) => slot.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  test('a run that had begun when its child was killed is UNAVAILABLE, and is not run again', onlyLinux, async () => {
    const slot = await start();
    // A run takes much longer than it takes to see that it has begun.
    const bytes = writeModel(layeredModel({ seed: 1, layers: 24, side: 64, channels: 64 }));
    const { inputs } = await slot.open('slow', [await candidate('slow.tflite', bytes)]);
    const input = inputs.map((spec) => new Uint8Array(tensorBytes(spec)));
    const { inferMs } = await slot.run('slow', input, never);
    const pid = slot.pid ?? 0;
    const usedBefore = processorTicks(pid);
    const outcome = slot.run('slow', input, never).then(
      () => 'answered',
      (error: unknown) => error,
    );
    // To read its input takes far less: what it does now is the run.
    await eventually(() => assert.ok(processorTicks(pid) >= usedBefore + 5, `a run takes ${inferMs} ms`));
    process.kill(pid, 'SIGKILL');
    const error = await outcome;
    assert.ok(error instanceof AtollError, 'the run was repeated, or it was over too soon to be ended');
    assert.deepEqual([error.code, isBeforeRun(error)], ['UNAVAILABLE', false]);
    assert.equal((await slot.run('slow', input, never)).outputs.length, 1);
  });

  test('a model that is closed while its child is being replaced does not stay in the next one', async () => {
    const slot = await start();
    await slot.open('other', [await tiny()]);
    let loads = 0;
    let closed: Promise<void> | undefined;
    await slot.keep('leaving', [await tiny()], () => {
      if (++loads === 2) closed = slot.close('leaving');
    });
    process.kill(slot.pid ?? 0, 'SIGKILL');
    await slot.run('other', [picture], never).catch(() => undefined);
    await slot.run('other', [picture], never);
    await closed;
    assert.equal(loads, 2);
    await assert.rejects(slot.run('leaving', [picture], never), { code: 'NOT_FOUND' });
  });

  test('a caller who goes away while there is no child is answered at once', async () => {
    const slot = await start();
    await slot.open('a', [await tiny()]);
    process.kill(slot.pid ?? 0, 'SIGKILL');
    await eventually(() => assert.equal(slot.pid, undefined));
    const caller = new AbortController();
    const run = slot.run('a', [picture], caller.signal);
    caller.abort();
    await assert.rejects(run, { code: 'CANCELLED' });
    assert.equal(slot.pid, undefined);
    assert.equal(slot.load, 0);
  });

  test('closing a model ends a child that does not answer, and the others come back', async () => {
    const slot = await start({ loadTimeoutMs: 500 });
    await slot.open('a', [await tiny()]);
    await slot.open('b', [await tiny()]);
    const pid = slot.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await slot.close('b').catch(() => undefined);
    await eventually(() => assert.ok(slot.pid !== undefined && slot.pid !== pid));
    assert.equal((await slot.run('a', [picture], never)).outputs.length, 1);
  });

  test('stop does not wait for a model that hangs while it is loaded into a new child', async () => {
    const slot = await start();
    await slot.open('a', [await tiny()]);
    let again = false;
    let loads = 0;
    await slot.keep('b', [await tiny()], async (_info, run) => {
      if (++loads === 1) return;
      again = true;
      // Until the child ends.
      for (;;) await run([picture]);
    });
    process.kill(slot.pid ?? 0, 'SIGKILL');
    await eventually(() => assert.ok(again));
    await slot.stop();
    assert.equal(slot.pid, undefined);
  });

  test('a model whose child is killed while it is tried again is tried once more', async () => {
    const slot = await start({ mendEveryMs: 20 });
    await slot.open('other', [await tiny()]);
    let loads = 0;
    await slot.keep('a', [await tiny()], async (_info, run) => {
      loads++;
      if (loads === 2) throw new AtollError('UNAVAILABLE', 'its device is away');
      if (loads !== 3) return;
      process.kill(slot.pid ?? 0, 'SIGKILL');
      for (;;) await run([picture]);
    });
    process.kill(slot.pid ?? 0, 'SIGKILL');
    await eventually(() => assert.ok(loads > 3 && slot.ready('a'), slot.faultOf('a')));
    assert.equal((await slot.run('a', [picture], never)).outputs.length, 1);
  });

  test('signals to a child that waits do not end it', async () => {
    const slot = await start();
    await slot.open('a', [await tiny()]);
    const pid = slot.pid ?? 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGSTOP', 'SIGCONT', 'SIGWINCH'] as const) process.kill(pid, signal);
    for (let i = 0; i < 3; i++) assert.equal((await slot.run('a', [picture], never)).outputs.length, 1);
    assert.equal(slot.pid, pid);
  });
});

/** Clock ticks that a process has used in its own code: field 14 of /proc/PID/stat, see proc(5). */
function processorTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
}
