import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { describe, test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { silentLogger } from '@atoll/base/log';
import { childrenOf, noProc } from '../processes-for-tests.js';
import { startEarlyChildren } from './early-children.js';
import { probeNiceness } from './probe-niceness.js';

const { liteRt, tfLite } = cachePaths(process.env);
const settings = { libraries: { liteRt, tfLite }, threads: 1 };

describe('early children', { skip: noProc, timeout: 60_000 }, () => {
  test('are taken once each: one for the slot, one for the trial, which lets others go first', async () => {
    const early = startEarlyChildren(settings, true, silentLogger);
    const [slot, probe] = await Promise.all([early.takeForSlot(), early.takeForProbe()]);
    assert.ok(slot !== undefined && probe !== undefined && slot.pid !== probe.pid);
    const own = getPriority();
    assert.equal(getPriority(slot.pid), own);
    assert.equal(getPriority(probe.pid), own + probeNiceness);
    assert.deepEqual([early.takeForSlot(), early.takeForProbe()], [undefined, undefined]);
    await early.stop();
    await Promise.all([slot.ping(), probe.ping()]);
    for (const child of [slot, probe]) child.kill();
    await Promise.all([slot.ended, probe.ended]);
  });

  test('that nobody took are gone once it has stopped, begun or not', async () => {
    const early = startEarlyChildren(settings, true, silentLogger);
    const slot = await early.takeForSlot();
    await early.stop();
    assert.deepEqual(await childrenOf(process.pid), [slot?.pid]);
    slot?.kill();
    await slot?.ended;
  });

  test('are none for a trial where models will not be tried', async () => {
    const early = startEarlyChildren(settings, false, silentLogger);
    assert.equal(early.takeForProbe(), undefined);
    await early.stop();
    assert.deepEqual(await childrenOf(process.pid), []);
  });
});
