import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failedRequest, requestThatTook } from '../stats/requests-for-tests.js';
import { createStats, type VersionStats } from '../stats.js';
import type { Soak } from './decide.js';
import { emptySoak, judge, slowForMs, windowMs } from './soak.js';

const policy: Soak = {
  durationMs: 5_000,
  minRequests: 20,
  maxErrorRate: 0.05,
  maxLatencyRatio: 3,
  prepareDeadlineMs: 0,
};
const everyMs = 100;

const statsOf = (latencies: readonly number[]): VersionStats => {
  const stats = createStats();
  for (const latency of latencies) stats.record(requestThatTook(latency));
  return stats.snapshot();
};
const baseline = statsOf(Array.from({ length: 500 }, (_, index) => (index % 50 === 0 ? 20 : 8)));

interface Tick {
  readonly latencies?: readonly number[];
  readonly failures?: number;
  readonly crashed?: boolean;
}

/** Runs a version whose requests in each tenth of a second `traffic` tells; gives how and when the judge decided. */
function run(traffic: (atMs: number) => Tick, given = baseline as VersionStats | undefined, by: Soak = policy): string {
  const stats = createStats();
  let state = emptySoak;
  for (let elapsedMs = 0; elapsedMs <= 20_000; elapsedMs += everyMs) {
    const { latencies = [], failures = 0, crashed = false } = traffic(elapsedMs);
    for (const latency of latencies) stats.record(requestThatTook(latency));
    for (let failure = 0; failure < failures; failure++) stats.record(failedRequest);
    if (crashed) stats.crashed();
    const judged = judge(state, { elapsedMs, stats: stats.snapshot() }, given, by);
    state = judged.state;
    if (judged.verdict.kind === 'fail') return `${judged.verdict.reason.code} at ${elapsedMs}`;
    if (judged.verdict.kind === 'pass') return `pass at ${elapsedMs}`;
  }
  return 'undecided';
}

const fine = [8, 8, 9, 8, 10];

describe('judge()', () => {
  test('a version like the one before passes when its time is over', () => {
    assert.equal(
      run(() => ({ latencies: fine })),
      'pass at 5000',
    );
  });

  test('ten times slower after three seconds is found within the window and the time it must last', () => {
    const outcome = run((atMs) => ({ latencies: atMs < 3_000 ? fine : [80] }));
    const [code, at] = outcome.split(' at ');
    assert.equal(code, 'TOO_SLOW');
    assert.ok(Number(at) <= 3_000 + windowMs + slowForMs, outcome);
  });

  test('slow from just before the end is not let through', () => {
    assert.match(
      run((atMs) => ({ latencies: atMs < 4_800 ? fine : [80, 90] })),
      /^TOO_SLOW at /,
    );
  });

  test('a median that is too slow is found even where the p99 of the version before was bad', () => {
    const wild = statsOf(Array.from({ length: 500 }, (_, index) => (index % 20 === 0 ? 400 : 8)));
    assert.match(
      run(() => ({ latencies: [80, 80] }), wild),
      /^TOO_SLOW at /,
    );
  });

  const passing: [string, (atMs: number) => Tick, (VersionStats | undefined)?, Soak?][] = [
    ['the slow first requests after a load', (atMs) => ({ latencies: atMs < 400 ? [400] : fine })],
    ['one slow request now and then', (atMs) => ({ latencies: atMs % 3_000 === 1_500 ? [...fine, 900] : fine })],
    ['no requests at all', () => ({})],
    ['too few requests to say', (atMs) => ({ latencies: atMs % 1_000 === 0 ? [500] : [] })],
    ['no version before to compare with', () => ({ latencies: [500] }), statsOf([])],
    ['a version before that was hardly asked', () => ({ latencies: [500] }), statsOf([8, 8, 9])],
    [
      'latency that the policy does not judge',
      () => ({ latencies: [500] }),
      baseline,
      { ...policy, maxLatencyRatio: 0 },
    ],
    ['three times nearly nothing', () => ({ latencies: [1, 1, 1] }), statsOf(Array.from({ length: 200 }, () => 0.2))],
    [
      'fewer failures than allowed',
      (atMs) => ({ latencies: [...fine, ...fine, ...fine], failures: atMs % 500 === 0 ? 1 : 0 }),
    ],
  ];
  for (const [what, traffic, given = baseline, by = policy] of passing) {
    test(`${what}: pass`, () => assert.match(run(traffic, given, by), /^pass at 5[0-9]{3}$/));
  }

  test('more failures than allowed: ERRORS, also when they begin late', () => {
    assert.match(
      run(() => ({ latencies: fine, failures: 1 })),
      /^ERRORS at [1-9]\d\d$/,
    );
    assert.match(
      run((atMs) => ({ latencies: fine, failures: atMs < 4_000 ? 0 : 3 })),
      /^ERRORS at 4\d\d\d$/,
    );
  });

  test('a crash ends it at once, whatever the traffic', () => {
    assert.equal(
      run((atMs) => ({ crashed: atMs === 700 })),
      'CRASHED at 700',
    );
  });

  test('a policy without duration passes at the first look', () => {
    assert.equal(
      run(() => ({}), baseline, { ...policy, durationMs: 0 }),
      'pass at 0',
    );
  });
});
