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
const order = (generation: number, target: ModelRef, downgradeOk = false): Assignment => ({
  generation: BigInt(generation),
  rollout: 'r',
  target,
  downgradeOk,
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
        [state.phase, nextAction(state).kind, state.active?.version, state.candidate?.version],
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
    const next = advance(assign(condemned, order(3, ref(2)), 'three'), { kind: 'reverted' });
    assert.deepEqual([next.phase, next.candidate], ['ASSIGNED', ref(2)]);
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
    assert.equal(nextAction(last).kind, 'wait');
  });
});
