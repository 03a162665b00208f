import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { type Activity, activityOf, standsStill } from './standstill.js';

describe('standsStill()', () => {
  const cases: readonly [
    name: string,
    before: Activity | undefined,
    now: Activity,
    onDevice: boolean,
    still: boolean,
  ][] = [
    ['a stopped process, at the first look', undefined, { state: 'T', ticks: 5 }, false, true],
    ['a stopped process on a device', undefined, { state: 'T', ticks: 5 }, true, true],
    ['one that is traced', undefined, { state: 't', ticks: 5 }, false, true],
    ['asleep at the first look', undefined, { state: 'S', ticks: 5 }, false, false],
    ['asleep twice, without having computed', { state: 'S', ticks: 5 }, { state: 'S', ticks: 5 }, false, true],
    ['asleep twice, having computed between', { state: 'S', ticks: 5 }, { state: 'S', ticks: 6 }, false, false],
    ['asleep twice on a device', { state: 'S', ticks: 5 }, { state: 'S', ticks: 5 }, true, false],
    ['starved of the processor', { state: 'R', ticks: 5 }, { state: 'R', ticks: 5 }, false, false],
    ['waiting for the disk', { state: 'D', ticks: 5 }, { state: 'D', ticks: 5 }, false, false],
    ['asleep after it waited for the processor', { state: 'R', ticks: 5 }, { state: 'S', ticks: 5 }, false, false],
  ];
  for (const [name, before, now, onDevice, still] of cases)
    test(name, () => assert.equal(standsStill(before, now, onDevice), still));
});

const elsewhere = process.platform === 'linux' ? false : 'reads the /proc of Linux';

test('activityOf() tells a stopped process from one that sleeps', { skip: elsewhere }, async (t) => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const { pid } = child;
  assert.ok(pid !== undefined);
  await eventually(() => assert.equal(activityOf(pid)?.state, 'S'));
  child.kill('SIGSTOP');
  await eventually(() => assert.equal(activityOf(pid)?.state, 'T'));
  assert.ok((activityOf(pid)?.ticks ?? 0) > 0);
});

test('activityOf() knows nothing of a process that is not there', () => {
  assert.equal(activityOf(0x7fff_ffff), undefined);
});
