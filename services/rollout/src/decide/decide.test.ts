import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, newVersion, node, nowMs, oldVersion, rollout } from '../rollout-for-tests.js';
import { boardOf } from './board.js';
import { decide } from './decide.js';
import type { FleetView } from './fleet-view.js';
import type { Rollout } from './rollout.js';

const a = member('a', 1);
const b = member('b', 2);
const open = { a: member('a', 1, 'unassigned'), b: member('b', 2, 'unassigned') };
const done = member('a', 1, { outcome: 'COMMITTED' });
const sentBack = (id: string, wave: number) => member(id, wave, { revertGeneration: 6n });
const away = { ...node('a', 'STEADY', 4n, oldVersion), online: false };

/** phase/wave/reason [blockedOn] then the actions, as one line. */
function decided(given: Rollout, view: FleetView): string {
  const { standing, actions } = decide(given, boardOf(given, view), view);
  const { phase, wave, reason, blockedOn } = standing;
  const done = actions.map((action) => {
    const { kind } = action;
    const wave = 'wave' in action ? ` ${action.wave}` : '';
    return `${kind.replace('-wave', '')}${wave}${'nodeIds' in action ? ` ${action.nodeIds.join()}` : ''}`;
  });
  return [`${phase}/${wave}/${reason} [${blockedOn.join()}]`, ...done].join(' > ');
}

const many = (number: number) =>
  Array.from({ length: number }, (_, index) => member(`m${index}`, 1, { outcome: 'COMMITTED' }));
const unsettled = (given: Rollout): Rollout => ({
  ...given,
  waves: given.waves.map((wave) => ({ ...wave, settledMs: 0 })),
});
const pending = { phase: 'Pending', wave: 0, reason: 'Accepted' } as const;
const reverting = { phase: 'Reverting', reason: 'TooManyFailures', message: 'why' } as const;
const rows: readonly (readonly [what: string, given: Rollout, view: FleetView, expected: string])[] = [
  [
    'accepted: the first wave begins',
    rollout([open.a, open.b], pending),
    fleet([]),
    'Progressing/1/WaitingForWave [a] > assign 1 a',
  ],
  [
    'accepted while the broker is away: nothing is assigned',
    rollout([open.a, open.b], pending),
    fleet([], { connected: false }),
    'Pending/0/BrokerAway [nats]',
  ],
  ['a node is under way', rollout([a, open.b]), fleet([node('a', 'SOAKING')]), 'Progressing/1/WaitingForWave [a]'],
  [
    'the wave committed: it passes and the next begins',
    rollout([a, open.b]),
    fleet([node('a', 'STEADY')]),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'the wave committed while the broker is away',
    rollout([a, open.b]),
    fleet([node('a', 'STEADY')], { connected: false }),
    'Progressing/1/BrokerAway [nats]',
  ],
  [
    'a restart between the wave and its last assignment',
    rollout([a, member('c', 1, 'unassigned')]),
    fleet([node('a', 'SOAKING')]),
    'Progressing/1/WaitingForWave [a,c] > assign 1 c',
  ],
  [
    'the last wave committed',
    rollout([done, b], { wave: 2 }),
    fleet([node('b', 'STEADY')]),
    'Complete/2/AllWavesPassed [] > pass 1 > pass 2',
  ],
  [
    'a node is away beyond the grace: the wave does not wait for it',
    rollout([done, member('b', 2, { heardMs: 0, assignedMs: nowMs - 6_000 })], { wave: 2 }),
    fleet([]),
    'Complete/2/AllWavesPassed [] > pass 1 > pass 2',
  ],
  [
    'a node is away within the grace',
    rollout([done, member('b', 2, { heardMs: 0 })], { wave: 2 }),
    fleet([]),
    'Progressing/2/WaitingForWave [b]',
  ],
  [
    'all of the first wave is away: nothing is known, so nobody else gets the version',
    rollout([member('a', 1, { heardMs: 0, assignedMs: nowMs - 6_000 }), open.b]),
    fleet([]),
    'Progressing/1/WaitingForNodes [a]',
  ],
  [
    'a failure: it is sent back too, the next wave never begins',
    rollout([a, open.b]),
    fleet([node('a', 'FAILED')]),
    'Reverting/1/TooManyFailures [a] > revert a',
  ],
  [
    'a failure in the second wave: all that have or may have the version go back',
    rollout([done, b, member('c', 2), member('d', 3, 'unassigned')], { wave: 2 }),
    fleet([node('b', 'ROLLED_BACK'), node('c', 'DOWNLOADING')]),
    'Reverting/2/TooManyFailures [a,b,c] > revert a,b,c',
  ],
  [
    'a node that timed out goes back when it can be reached',
    rollout([member('a', 1, { heardMs: nowMs - 20_000 }), open.b]),
    fleet([away]),
    'Reverting/1/TooManyFailures [a] > revert a',
  ],
  [
    'a failure within what is allowed',
    rollout([a, member('c', 1), open.b], {}, { maxFailureRate: 0.5 }),
    fleet([node('a', 'FAILED'), node('c', 'STEADY')]),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'every node failed and so many are allowed: a version that nobody committed goes no further all the same',
    rollout([a, open.b], {}, { maxFailureRate: 1 }),
    fleet([node('a', 'FAILED')]),
    'Reverting/1/NoneCommitted [a] > revert a',
  ],
  [
    'the first release ever fails: there is nothing to go back to',
    rollout([member('a', 1, { previous: undefined }), open.b]),
    fleet([node('a', 'FAILED')]),
    'Aborted/1/TooManyFailures []',
  ],
  [
    'a restart between the verdict and the last sending back',
    rollout([sentBack('a', 1), b], reverting),
    fleet([]),
    'Reverting/1/TooManyFailures [] > revert b',
  ],
  [
    'going back',
    rollout([sentBack('a', 1), sentBack('b', 1)], reverting),
    fleet([node('a', 'STEADY', 6n, oldVersion), node('b', 'ROLLING_BACK', 6n)]),
    'Reverting/1/TooManyFailures [b]',
  ],
  [
    'all are back',
    rollout([sentBack('a', 1), open.b], reverting),
    fleet([node('a', 'STEADY', 6n, oldVersion)]),
    'Reverted/1/TooManyFailures []',
  ],
  [
    'the last verdict on a wave: its soak begins',
    unsettled(rollout([a, open.b])),
    fleet([node('a', 'STEADY')]),
    'Progressing/1/WaitingForWave [] > settle 1',
  ],
  [
    'a wave soaks',
    rollout([a, open.b], {}, { waveSoakMs: 1 }),
    fleet([node('a', 'STEADY')]),
    'Progressing/1/WaveSoaking [soak]',
  ],
  [
    'a wave has soaked',
    rollout([a, open.b], {}, { waveSoakMs: 1 }),
    fleet([node('a', 'STEADY')], { nowMs: nowMs + 1 }),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'a wave that soaks is promoted',
    rollout([a, open.b], { promoted: 1 }, { waveSoakMs: 1, approve: true }),
    fleet([node('a', 'STEADY')]),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'the next wave waits for approval',
    rollout([a, open.b], {}, { approve: true }),
    fleet([node('a', 'STEADY')]),
    'Paused/1/WaitingForApproval [approval]',
  ],
  [
    'the last wave needs none',
    rollout([done, b], { wave: 2, promoted: 1 }, { approve: true }),
    fleet([node('b', 'STEADY')]),
    'Complete/2/AllWavesPassed [] > pass 1 > pass 2',
  ],
  [
    'while it waits for approval it stays as it is',
    rollout(
      [done, open.b],
      { phase: 'Paused', reason: 'WaitingForApproval', blockedOn: ['approval'] },
      { approve: true },
    ),
    fleet([]),
    'Paused/1/WaitingForApproval [approval]',
  ],
  [
    'a straggler of a wave that passed fails: it is judged like any other',
    rollout([member('a', 1, { heardMs: 0, assignedMs: nowMs - 6_000 }), member('c', 1, { outcome: 'COMMITTED' }), b], {
      wave: 2,
    }),
    fleet([node('a', 'ROLLED_BACK'), node('b', 'SOAKING', 5n, newVersion)]),
    'Reverting/2/TooManyFailures [b,a,c] > revert b,a,c',
  ],
  [
    'a straggler fails while it waits for approval',
    rollout([a, member('c', 1), open.b], { phase: 'Paused', reason: 'WaitingForApproval' }, { approve: true }),
    fleet([node('a', 'ROLLED_BACK'), node('c', 'STEADY')]),
    'Reverting/1/TooManyFailures [c,a] > revert c,a',
  ],
  [
    'paused by a person: failures are for the person',
    rollout([a, open.b], { phase: 'Paused', reason: 'PausedByOperator', blockedOn: ['operator'] }),
    fleet([node('a', 'FAILED')]),
    'Paused/1/PausedByOperator [operator]',
  ],
  [
    'an acknowledged failure counts no more',
    rollout([member('a', 1, { outcome: 'FAILED', acknowledged: true }), open.b]),
    fleet([node('a', 'FAILED')]),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'no room: the rest of the wave waits',
    rollout([a, member('c', 1, 'unassigned'), open.b], {}, { maxInFlight: 1 }),
    fleet([node('a', 'SOAKING')]),
    'Progressing/1/WaitingForWave [a]',
  ],
  [
    'room for one: one more of the wave',
    rollout([done, member('c', 1, 'unassigned'), member('d', 1, 'unassigned'), open.b], {}, { maxInFlight: 1 }),
    fleet([]),
    'Progressing/1/WaitingForWave [c] > assign 1 c',
  ],
  [
    'one of the wave failed within what is allowed, promoted to all waves: every node that is left',
    rollout([done, open.b, member('c', 3, 'unassigned')], { full: true, promoted: 3 }),
    fleet([]),
    'Progressing/3/WaitingForWave [b,c] > assign 2 b > assign 3 c',
  ],
  [
    'promoted to all waves: a failure stops it all the same',
    rollout([a, b], { full: true, promoted: 2 }),
    fleet([node('a', 'FAILED'), node('b', 'SOAKING')]),
    'Reverting/1/TooManyFailures [a,b] > revert a,b',
  ],
  [
    'nobody of the fleet is heard of: nothing is assigned',
    rollout([done, open.b]),
    fleet([], { silent: true, silenceCounts: false }),
    'Progressing/1/FleetSilent [fleet]',
  ],
  [
    'too many out of reach',
    rollout([done, member('b', 2, { heardMs: 0, assignedMs: nowMs - 6_000 })], { wave: 2 }, { maxOffline: 0.4 }),
    fleet([]),
    'Progressing/2/TooManyOffline [b]',
  ],
  [
    'as many out of reach as are allowed',
    rollout([done, member('b', 2, { heardMs: 0, assignedMs: nowMs - 6_000 })], { wave: 2 }, { maxOffline: 0.5 }),
    fleet([]),
    'Complete/2/AllWavesPassed [] > pass 1 > pass 2',
  ],
  [
    'more failures than allowed, too few to be sure: a person decides',
    rollout([...many(9), member('a', 1), open.b]),
    fleet([node('a', 'FAILED')]),
    'Paused/1/FailuresInconclusive [a]',
  ],
  [
    'the same, promoted',
    rollout([...many(9), member('a', 1), open.b], { promoted: 1 }),
    fleet([node('a', 'FAILED')]),
    'Progressing/2/WaitingForWave [b] > pass 1 > assign 2 b',
  ],
  [
    'a gate trips and the nodes shall keep what they have: those that do not serve it yet are called back',
    rollout([done, b, member('c', 2), member('d', 3, 'unassigned')], { wave: 2 }, { onFailure: 'keep' }),
    fleet([node('b', 'FAILED'), node('c', 'DOWNLOADING')]),
    'Aborted/2/TooManyFailures [] > recall b,c',
  ],
  [
    'a node that came after it was complete',
    rollout([done, open.b], { phase: 'Complete', wave: 2 }),
    fleet([]),
    'Complete/2/WaitingForWave [] > assign 2 b',
  ],
  [
    'complete stays complete',
    rollout([a], { phase: 'Complete' }),
    fleet([node('a', 'FAILED')]),
    'Complete/1/WaitingForWave []',
  ],
];
for (const [what, given, view, expected] of rows) {
  test(`decide: ${what}`, () => assert.equal(decided(given, view), expected));
}

test('decide: a revert names the node and its reason, and whoever could not be reached', () => {
  const given = rollout([a, open.b]);
  const view = fleet([node('a', 'FAILED')]);
  const { standing } = decide(given, boardOf(given, view), view);
  assert.equal(standing.message, '1 of 1 judged node failed, more than 5 %: a TOO_SLOW (slow)');
  const gone = rollout([sentBack('a', 1), member('b', 1, { revertGeneration: 6n, heardMs: 1 })], reverting);
  const afterwards = fleet([node('a', 'STEADY', 6n, oldVersion)]);
  const after = decide(gone, boardOf(gone, afterwards), afterwards);
  assert.equal(after.standing.message, 'why; 1 node back on the version before, not known to be back: b');
});

test('decide: asked twice with nothing new, it says the same again', () => {
  const view = fleet([node('a', 'SOAKING')]);
  const first = rollout([a, open.b]);
  const { standing } = decide(first, boardOf(first, view), view);
  const second = rollout([a, open.b], standing);
  const again = decide(second, boardOf(second, view), view);
  assert.deepEqual([again.standing, again.actions], [standing, []]);
});
