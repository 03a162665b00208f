import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clockToleranceMs, createNodeClock, type NodeClock, type TimeVerdict } from './clock.js';

const day = 86_400_000;
const t0 = Date.UTC(2026, 0, 1);

/** A node at real time t0 whose wall clock is off by so much; both go on together until the wall clock is set. */
class Times {
  realMs = t0;
  offMs: number;
  readonly clock: NodeClock;

  constructor(offMs: number, lastSignedMs: number) {
    this.offMs = offMs;
    this.clock = createNodeClock(
      { wallMs: () => this.realMs + this.offMs, monotonicMs: () => this.realMs - t0 + 7 },
      lastSignedMs,
    );
  }

  pass(ms: number): void {
    this.realMs += ms;
  }
}

describe('createNodeClock()', () => {
  test('a clock that is right is not suspect, however long ago the director was heard', () => {
    const times = new Times(0, t0 - 60 * day);
    times.pass(30 * day);
    assert.deepEqual([times.clock.offsetMs(), times.clock.nowMs()], [0, times.realMs]);
  });

  test('a clock of 1970: suspect, and now is the proven time and what passed since', () => {
    const times = new Times(-t0, t0 - day);
    times.pass(3 * day);
    assert.equal(times.clock.nowMs(), t0 + 2 * day);
    assert.equal(times.clock.offsetMs(), -t0 + day);
  });

  test('a clock of 1970 of a node that never heard anything is suspect from the first signed time on', () => {
    const times = new Times(-t0, 0);
    assert.equal(times.clock.offsetMs(), 0);
    assert.equal(times.clock.judge(t0, t0 + day), 'ok');
    times.clock.heard(t0);
    assert.ok(times.clock.offsetMs() < -clockToleranceMs);
    assert.equal(times.clock.nowMs(), t0);
  });

  test('a clock of 1970 that is set right is no longer suspect', () => {
    const times = new Times(-t0, t0 - day);
    assert.notEqual(times.clock.offsetMs(), 0);
    times.offMs = 0;
    assert.deepEqual([times.clock.offsetMs(), times.clock.nowMs()], [0, t0]);
  });

  for (const offMs of [-day, day]) {
    test(`a clock that is set by ${offMs / day} day while it runs: suspect, until it is set back`, () => {
      const times = new Times(0, t0);
      times.pass(day * 3);
      times.offMs = offMs;
      assert.equal(times.clock.offsetMs(), offMs);
      times.offMs = 0;
      assert.equal(times.clock.offsetMs(), 0);
    });
  }

  test('a clock that was wrong and is set right is believed once a state is signed at its time', () => {
    const times = new Times(-day, t0 - 10 * day);
    times.pass(1_000);
    times.offMs = 0;
    assert.equal(times.clock.offsetMs(), day);
    times.clock.heard(times.realMs - 2_000);
    assert.deepEqual([times.clock.offsetMs(), times.clock.nowMs()], [0, times.realMs]);
  });

  test('a clock set a day ahead: now is its time, until a state signed at the time before the set tells otherwise', () => {
    const times = new Times(0, t0 - day);
    times.offMs = day;
    assert.equal(times.clock.nowMs(), t0 + day);
    times.clock.heard(t0 - 1_000);
    assert.equal(times.clock.nowMs(), t0);
    assert.equal(times.clock.offsetMs(), day, 'the wall clock itself is as wrong as before');
  });

  const verdicts: [string, Times, number, number, TimeVerdict][] = [
    ['in its time', new Times(0, t0 - day), t0 - 1, t0 + 1, 'ok'],
    ['expired', new Times(0, t0 - day), t0 - 2, t0 - 1, 'late'],
    ['expired for a clock that is behind, by the proven time', new Times(-t0, t0), t0 + 1, t0 + 1, 'ok'],
    ['signed before the proof that the clock is behind', new Times(-t0, t0), t0 - 1, t0 + day, 'old'],
    ['valid no longer than a proven time', new Times(-t0, t0 - 1), t0, t0 - 2, 'late'],
  ];
  for (const [what, times, signedMs, expiresMs, verdict] of verdicts) {
    test(`judge(): ${what}: ${verdict}`, () => assert.equal(times.clock.judge(signedMs, expiresMs), verdict));
  }

  const ahead: [string, number, number, TimeVerdict][] = [
    ['a fresh one that is valid for minutes', t0 - 1_000, t0 + 600_000, 'ok'],
    ['one from hours ago that either clock calls valid', t0 - 7_200_000, t0 + 2 * day, 'ok'],
    ['one from hours ago that the clock set ahead calls expired', t0 - 7_200_000, t0 + 600_000, 'late'],
    ['a fresh one by the clock set ahead', t0 + day, t0 + day + 1_000, 'ok'],
  ];
  for (const [what, signedMs, expiresMs, verdict] of ahead) {
    test(`judge() after the clock was set a day ahead: ${what}: ${verdict}`, () => {
      const times = new Times(0, t0 - day);
      times.offMs = day;
      assert.equal(times.clock.judge(signedMs, expiresMs), verdict);
    });
  }
});
