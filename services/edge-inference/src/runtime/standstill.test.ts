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
    ['stopped, at the first look', undefined, { state: 'T', cpuNs: 5n }, false, false],
    ['stopped twice', { state: 'T', cpuNs: 5n }, { state: 'T', cpuNs: 5n }, false, true],
    ['stopped twice on a device', { state: 'T', cpuNs: 5n }, { state: 'T', cpuNs: 5n }, true, true],
    ['stopped twice, let run between', { state: 'T', cpuNs: 5n }, { state: 'T', cpuNs: 6n }, false, false],
    ['traced twice', { state: 't', cpuNs: 5n }, { state: 't', cpuNs: 5n }, false, true],
    ['asleep at the first look', undefined, { state: 'S', cpuNs: 5n }, false, false],
    ['asleep twice, without having computed', { state: 'S', cpuNs: 5n }, { state: 'S', cpuNs: 5n }, false, true],
    ['asleep twice, having computed between', { state: 'S', cpuNs: 5n }, { state: 'S', cpuNs: 6n }, false, false],
    ['asleep twice on a device', { state: 'S', cpuNs: 5n }, { state: 'S', cpuNs: 5n }, true, false],
    ['starved of the processor', { state: 'R', cpuNs: 5n }, { state: 'R', cpuNs: 5n }, false, false],
    ['waiting for the disk', { state: 'D', cpuNs: 5n }, { state: 'D', cpuNs: 5n }, false, false],
    ['asleep after it waited for the processor', { state: 'R', cpuNs: 5n }, { state: 'S', cpuNs: 5n }, false, false],
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
  assert.ok((activityOf(pid)?.cpuNs ?? 0n) > 0n);
  assert.equal(activityOf(pid)?.cpuNs, activityOf(pid)?.cpuNs);
});

test('activityOf() knows nothing of a process that is not there', () => {
  assert.equal(activityOf(0x7fff_ffff), undefined);
});
