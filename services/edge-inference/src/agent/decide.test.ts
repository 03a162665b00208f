import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  advance,
  type AgentState,
  assign,
  type Assignment,
  atStart,
  emptyState,
  maxBootCount,
  maxDenied,
  type ModelRef,
  nextAction,
  type Outcome,
  type Phase,
} from './decide.js';

const ref = (version: number, model = 'm'): ModelRef => ({
  model,
  version: BigInt(version),
  manifestSha256: `${model}${version}`.padEnd(64, '0'),
});
const order = (generation: number, target: ModelRef, downgradeOk = false, attempt = 1): Assignment => ({
  generation: BigInt(generation),
  rollout: 'r',
  target,
  downgradeOk,
  attempt,
  notBeforeMs: 10,
  expiresMs: 1_000,
  soak: { durationMs: 1, minRequests: 1, maxErrorRate: 0, maxLatencyRatio: 3, prepareDeadlineMs: 1 },
});
const steady: AgentState = { ...emptyState, active: ref(1), lastGeneration: 1n, lastPayloadSha256: 'one' };
const reason = { code: 'WHY', message: 'because' };

/** A node on version 1 that is taken through outcomes after it heard of version 2. */
const after = (...outcomes: Outcome[]): AgentState => outcomes.reduce(advance, assign(steady, order(2, ref(2)), 'two'));
const soaking = after({ kind: 'fetching' }, { kind: 'fetched' }, { kind: 'swapping' }, { kind: 'activated' });

describe('the way of a release through advance()', () => {
  const way: [string, Outcome[], Phase, string, number | undefined, number | undefined][] = [
    ['is heard of', [], 'ASSIGNED', 'fetch', 1, 2],
    ['is under way', [{ kind: 'fetching' }], 'DOWNLOADING', 'fetch', 1, 2],
    ['is complete', [{ kind: 'fetched' }], 'SELFTEST', 'activate', 1, 2],
    ['is about to flip', [{ kind: 'fetched' }, { kind: 'swapping' }], 'SWAPPING', 'activate', 1, 2],
    ['serves on trial', [{ kind: 'fetched' }, { kind: 'activated' }], 'SOAKING', 'soak', 1, 2],
    ['is committed', [{ kind: 'activated' }, { kind: 'passed', floor: 0n }], 'STEADY', 'wait', 2, undefined],
    ['failed before the swap', [{ kind: 'failed', reason }], 'FAILED', 'wait', 1, undefined],
    ['is condemned', [{ kind: 'activated' }, { kind: 'condemned', reason }], 'ROLLING_BACK', 'revert', 1, 2],
    [
      'is undone',
      [{ kind: 'activated' }, { kind: 'condemned', reason }, { kind: 'reverted' }],
      'ROLLED_BACK',
      'wait',
      1,
      undefined,
    ],
    ['was given up before the flip', [{ kind: 'swapping' }, { kind: 'abandoned' }], 'ASSIGNED', 'fetch', 1, 2],
  ];
  for (const [what, outcomes, phase, action, active, candidate] of way) {
    test(`${what}: ${phase}, then ${action}`, () => {
      const state = after(...outcomes);
      assert.deepEqual(
        [state.phase, nextAction(state, 100).kind, state.active?.version, state.candidate?.version],
        [
          phase,
          action,
          active === undefined ? undefined : BigInt(active),
          candidate === undefined ? undefined : BigInt(candidate),
        ],
      );
    });
  }

  test('a commit keeps the version before as previous and raises the floor, which never falls again', () => {
    const committed = advance(soaking, { kind: 'passed', floor: 2n });
    assert.deepEqual([committed.previous, committed.floors], [ref(1), { m: 2n }]);
    assert.deepEqual(advance({ ...soaking, floors: { m: 5n } }, { kind: 'passed', floor: 2n }).floors, { m: 5n });
  });

  test('a failure leaves its reason in the state, a newer desired state takes it away', () => {
    const failed = after({ kind: 'failed', reason });
    assert.deepEqual(failed.reason, reason);
    assert.equal(assign(failed, order(3, ref(3)), 'three').reason, undefined);
  });
});

describe('assign()', () => {
  const cases: [string, AgentState, Assignment, Phase, string | undefined][] = [
    ['the release in service: nothing to do', steady, order(2, ref(1)), 'STEADY', undefined],
    ['a first release', emptyState, order(1, ref(1)), 'ASSIGNED', undefined],
    ['a lower version without leave', { ...steady, active: ref(3) }, order(2, ref(2)), 'FAILED', 'DOWNGRADE'],
    ['a lower version with leave', { ...steady, active: ref(3) }, order(2, ref(2), true), 'ASSIGNED', undefined],
    [
      'below the floor, leave or not',
      { ...steady, floors: { m: 3n } },
      order(2, ref(2), true),
      'FAILED',
      'BELOW_FLOOR',
    ],
    ["another model's floor", { ...steady, floors: { other: 9n } }, order(2, ref(2)), 'ASSIGNED', undefined],
    ['a lower version of another model', { ...steady, active: ref(9) }, order(2, ref(1, 'n')), 'ASSIGNED', undefined],
    ['a newer one while fetching', after({ kind: 'fetching' }), order(3, ref(3)), 'ASSIGNED', undefined],
    ['a newer one before the flip', after({ kind: 'fetched' }), order(3, ref(3)), 'ASSIGNED', undefined],
    ['a newer one in the soak', soaking, order(3, ref(3)), 'ROLLING_BACK', undefined],
    ['the old one in the soak', soaking, order(3, ref(1)), 'ROLLING_BACK', undefined],
    ['the soaking one again', soaking, order(3, ref(2)), 'SOAKING', undefined],
    ['a retry of what failed', after({ kind: 'failed', reason }), order(3, ref(2)), 'ASSIGNED', undefined],
  ];
  for (const [what, state, assignment, phase, code] of cases) {
    test(`${what}: ${phase}`, () => {
      const next = assign(state, assignment, 'sha');
      assert.deepEqual([next.phase, next.reason?.code], [phase, code]);
      assert.deepEqual([next.lastGeneration, next.lastPayloadSha256], [assignment.generation, 'sha']);
      assert.equal(next.active, state.active);
    });
  }

  test('a newer release in the soak is taken up after the revert; naming the old one ends STEADY', () => {
    const newer = advance(assign(soaking, order(3, ref(3)), 'three'), { kind: 'reverted' });
    assert.deepEqual([newer.phase, newer.candidate, newer.active], ['ASSIGNED', ref(3), ref(1)]);
    const old = advance(assign(soaking, order(3, ref(1), true), 'three'), { kind: 'reverted' });
    assert.deepEqual([old.phase, old.candidate, old.active], ['STEADY', undefined, ref(1)]);
  });

  test('a retry that comes while the same release is being undone begins anew after the revert', () => {
    const condemned = advance(soaking, { kind: 'condemned', reason });
    const next = advance(assign(condemned, order(3, ref(2), false, 2), 'three'), { kind: 'reverted' });
    assert.deepEqual([next.phase, next.candidate], ['ASSIGNED', ref(2)]);
  });
});

describe('a release that the node condemned', () => {
  const mismatch = { code: 'GOLDEN_MISMATCH', message: 'wrong' };
  const tested = after({ kind: 'fetched' }, { kind: 'failed', reason: mismatch });
  const soaked = advance(advance(soaking, { kind: 'condemned', reason }), { kind: 'reverted' });
  const crashed = atStart({ ...soaking, bootCount: maxBootCount });
  const cases: [string, AgentState, Assignment, Phase, string | undefined][] = [
    ['by its self-test', tested, order(3, ref(2)), 'FAILED', 'DENIED'],
    ['by its soak', soaked, order(3, ref(2)), 'FAILED', 'DENIED'],
    ['by taking the node down', crashed, order(3, ref(2)), 'FAILED', 'DENIED'],
    ['at a higher attempt', tested, order(3, ref(2), false, 2), 'ASSIGNED', undefined],
    ['another release after it', soaked, order(3, ref(3)), 'ASSIGNED', undefined],
    ['the one that serves', { ...tested, active: ref(2) }, order(3, ref(2)), 'STEADY', undefined],
    [
      'not: it could not be fetched',
      after({ kind: 'fetching' }, { kind: 'failed', reason: mismatch }),
      order(3, ref(2)),
      'ASSIGNED',
      undefined,
    ],
    [
      'not: the node had no room for it',
      after({ kind: 'fetched' }, { kind: 'failed', reason: { code: 'NO_ROOM', message: '' } }),
      order(3, ref(2)),
      'ASSIGNED',
      undefined,
    ],
  ];
  for (const [what, state, assignment, phase, code] of cases) {
    test(`${what}: ${phase}`, () => {
      const next = assign(state, assignment, 'sha');
      assert.deepEqual([next.phase, next.reason?.code], [phase, code]);
    });
  }

  test('is denied from the moment of the verdict, so that an end within the revert changes nothing', () => {
    const condemned = advance(soaking, { kind: 'condemned', reason });
    assert.deepEqual(atStart(condemned).denied, [
      { manifestSha256: ref(2).manifestSha256, attempt: 1, code: reason.code },
    ]);
  });

  test('is no longer denied once it is committed at a higher attempt; the oldest of too many are forgotten', () => {
    const again = assign(tested, order(3, ref(2), false, 2), 'three');
    const committed = [{ kind: 'fetched' }, { kind: 'activated' }, { kind: 'passed', floor: 0n }] as const;
    assert.deepEqual(committed.reduce<AgentState>(advance, again).denied, []);
    let state = steady;
    for (let version = 2; version < maxDenied + 5; version++) {
      const tried = advance(assign(state, order(version, ref(version)), 'x'), { kind: 'fetched' });
      state = advance(tried, { kind: 'failed', reason: mismatch });
    }
    assert.equal(state.denied.length, maxDenied);
    assert.equal(state.denied.at(-1)?.manifestSha256, ref(maxDenied + 4).manifestSha256);
  });
});

describe('nextAction() by the clock', () => {
  const assigned = after();
  const cases: [string, AgentState, number, unknown][] = [
    ['before its time: waits for it', assigned, 9, { kind: 'wait', untilMs: 10 }],
    ['in its time', assigned, 10, 'fetch'],
    ['at its last moment', assigned, 1_000, 'fetch'],
    ['after it: given up', assigned, 1_001, 'give-up'],
    ['after it, but under way already', after({ kind: 'fetching' }), 1_001, 'fetch'],
    ['after it, on trial', soaking, 1_001, 'soak'],
    [
      'after it, of a director that named no end',
      assign(steady, { ...order(2, ref(2)), expiresMs: 0 }, 'two'),
      9e15,
      'fetch',
    ],
  ];
  for (const [what, state, nowMs, expected] of cases) {
    test(what, () => {
      const action = nextAction(state, nowMs);
      assert.deepEqual(typeof expected === 'string' ? action.kind : action, expected);
    });
  }
});

describe('the baseline', () => {
  const numbers = (requests: number) => ({ requests, errors: 0, crashes: 0, p50Ms: 1, p99Ms: 2 });
  test('comes with the swap, outlives a restart within the trial, and goes with the next release', () => {
    const swapping = after({ kind: 'fetched' }, { kind: 'swapping', baseline: numbers(500) });
    assert.deepEqual(swapping.baseline, numbers(500));
    const again = [{ kind: 'fetched' }, { kind: 'swapping', baseline: numbers(3) }] as const;
    assert.deepEqual(again.reduce<AgentState>(advance, atStart(swapping)).baseline, numbers(500));
    const committed = advance(advance(swapping, { kind: 'activated' }), { kind: 'passed', floor: 0n });
    assert.deepEqual(committed.baseline, numbers(500));
    assert.equal(assign(committed, order(3, ref(3)), 'three').baseline, undefined);
  });
});

describe('atStart()', () => {
  const cases: [string, AgentState, Phase][] = [
    ['steady', steady, 'STEADY'],
    ['assigned', after(), 'ASSIGNED'],
    ['fetching goes on', after({ kind: 'fetching' }), 'ASSIGNED'],
    ['trying', after({ kind: 'fetched' }), 'ASSIGNED'],
    ['flipping', after({ kind: 'swapping' }), 'ASSIGNED'],
    ['soaking', soaking, 'ASSIGNED'],
    ['undoing a failure', advance(soaking, { kind: 'condemned', reason }), 'ROLLED_BACK'],
    ['undoing for a newer one', assign(soaking, order(3, ref(3)), 'three'), 'ASSIGNED'],
    ['failed', after({ kind: 'failed', reason }), 'FAILED'],
  ];
  for (const [what, state, phase] of cases) {
    test(`${what}: ${phase}, the committed release untouched`, () => {
      const started = atStart(state);
      assert.deepEqual(
        [started.phase, started.active, started.lastGeneration],
        [phase, state.active, state.lastGeneration],
      );
    });
  }

  test('a release that takes the process down with it is given up after a few starts', () => {
    let state = soaking;
    for (let start = 1; start <= maxBootCount; start++) {
      state = [{ kind: 'fetched' } as const, { kind: 'activated' } as const].reduce<AgentState>(
        advance,
        atStart(state),
      );
      assert.equal(state.phase, 'SOAKING');
    }
    const last = atStart(state);
    assert.deepEqual(
      [last.phase, last.reason?.code, last.candidate, last.active],
      ['ROLLED_BACK', 'CRASHED', undefined, ref(1)],
    );
    assert.equal(nextAction(last, 100).kind, 'wait');
  });
});
