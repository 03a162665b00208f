import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, node, nowMs, oldVersion, rollout } from '../rollout-for-tests.js';
import { classify } from './classify.js';
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
  const { standing, actions } = decide(given, classify(given, view), view);
  const { phase, wave, reason, blockedOn } = standing;
  const done = actions.map((action) => {
    if (action.kind === 'revert') return `revert ${action.nodeIds.join()}`;
    return action.kind === 'assign' ? `assign ${action.wave} ${action.nodeIds.join()}` : `pass ${action.wave}`;
  });
  return [`${phase}/${wave}/${reason} [${blockedOn.join()}]`, ...done].join(' > ');
}

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
    'Progressing/1/WaitingForWave [c] > assign 1 c',
  ],
  [
    'the last wave committed',
    rollout([done, b], { wave: 2 }),
    fleet([node('b', 'STEADY')]),
    'Complete/2/AllWavesPassed [] > pass 2',
  ],
  [
    'a node is away beyond the grace: the wave does not wait for it',
    rollout([done, member('b', 2, { heardMs: 0, assignedMs: nowMs - 6_000 })], { wave: 2 }),
    fleet([]),
    'Complete/2/AllWavesPassed [] > pass 2',
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
  const { standing } = decide(given, classify(given, view), view);
  assert.equal(standing.message, '1 of 1 judged node failed, more than 5 %: a TOO_SLOW (slow)');
  const gone = rollout([sentBack('a', 1), member('b', 1, { revertGeneration: 6n, heardMs: 1 })], reverting);
  const after = decide(gone, [], fleet([node('a', 'STEADY', 6n, oldVersion)]));
  assert.equal(after.standing.message, 'why; 1 node back on the version before, not known to be back: b');
});

test('decide: asked twice with nothing new, it says the same again', () => {
  const view = fleet([node('a', 'SOAKING')]);
  const first = rollout([a, open.b]);
  const { standing } = decide(first, classify(first, view), view);
  const second = rollout([a, open.b], standing);
  assert.deepEqual(decide(second, classify(second, view), view), { standing, actions: [] });
});
