import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, node, nowMs, rollout } from '../rollout-for-tests.js';
import { boardOf } from './board.js';
import { type Explanation, explain } from './explain.js';
import type { FleetView } from './fleet-view.js';
import type { Rollout } from './rollout.js';

const a = member('a', 1);
const b = member('b', 2, 'unassigned');
const done = member('a', 1, { outcome: 'COMMITTED' });
const steady = fleet([node('a', 'STEADY')]);
const explained = (given: Rollout, view: FleetView): Explanation => explain(given, boardOf(given, view), view);

/** kinds of waits | until, then what is next, then the verbs without the name. */
function inShort({ waits, next, verbs }: Explanation): string {
  const kinds = waits.map(({ kind, nodeIds, untilMs }) =>
    [kind, ...nodeIds, ...(untilMs === 0 ? [] : [`for ${untilMs - nowMs} ms`])].join(' '),
  );
  return `${kinds.join(', ')} | ${next[0] ?? ''} | ${verbs.map((verb) => verb.replace(' birds-v2', '')).join(', ')}`;
}

const open = 'promote, promote --full, pause, abort, undo';
const gate =
  'the failure gate stops it when more than 5 % of the judged nodes fail (95 % sure); then the nodes go back';
const rows: readonly (readonly [what: string, given: Rollout, view: FleetView, says: string])[] = [
  ['a node', rollout([a, b]), fleet([node('a', 'SOAKING')]), `nodes a | ${gate} | ${open}`],
  [
    'room',
    rollout([a, member('c', 1, 'unassigned')], {}, { maxInFlight: 1 }),
    fleet([node('a', 'SOAKING')]),
    `nodes a, budget | ${gate} | ${open}`,
  ],
  ['a soak', rollout([a, b], {}, { waveSoakMs: 500 }), steady, `soak for 500 ms | ${gate} | ${open}`],
  [
    'numbers',
    rollout([a, b], {}, { metrics: { ...metrics(), patienceMs: 70 } }),
    steady,
    `metrics for 70 ms | ${gate} | ${open}`,
  ],
  [
    'approval',
    rollout([done, b], { phase: 'Paused', reason: 'WaitingForApproval', blockedOn: ['approval'], message: 'why' }),
    steady,
    `approval | ${gate} | promote, promote --full, abort, undo`,
  ],
  [
    'a person',
    rollout([done, b], { phase: 'Paused', reason: 'PausedByOperator', blockedOn: ['operator'], message: 'why' }),
    steady,
    `person | ${gate} | resume, promote, promote --full, abort, undo`,
  ],
  ['the broker', rollout([a, b]), fleet([], { connected: false }), `broker | ${gate} | ${open}`],
  ['the whole fleet', rollout([a, b]), fleet([], { silent: true }), `fleet | ${gate} | ${open}`],
  ['nothing: it says what it is about to do', rollout([a, b]), steady, `nodes b | now: wave 1 of 2 passes | ${open}`],
  [
    'nodes on the way back',
    rollout([member('a', 1, { revertGeneration: 6n })], { phase: 'Reverting' }),
    fleet([node('a', 'DOWNLOADING', 6n)]),
    'nodes a | when all that can be reached are back, it is reverted | abort --policy keep',
  ],
  ['nothing more when complete', rollout([done], { phase: 'Complete' }), steady, ' |  | undo'],
  [
    'nothing more when stopped',
    rollout([member('a', 1, { outcome: 'FAILED' })], { phase: 'Aborted' }),
    steady,
    ' |  | retry, undo',
  ],
];
for (const [what, given, view, says] of rows) {
  test(`explain: waits for ${what}`, () => assert.equal(inShort(explained(given, view)), says));
}

test('explain: what is ahead, with soak, numbers, approval and budgets', () => {
  const { next } = explained(
    rollout([a, b], {}, { waveSoakMs: 500, approve: true, maxInFlight: 3, maxFailures: 2, metrics: metrics() }),
    fleet([node('a', 'SOAKING')]),
  );
  assert.deepEqual(next, [
    'the failure gate stops it when more than 5 % of the judged nodes fail (95 % sure), or 2 nodes; then the nodes go back',
    'wave 1 soaks for 500 ms after its last node',
    'wave 1 is judged by its numbers',
    'wave 2 waits for approval',
    'wave 2 of 2 begins, 3 at a time',
  ]);
});

test('explain: what a wave has been through is not ahead of it', () => {
  const spec = { waveSoakMs: 500, approve: true, metrics: metrics() };
  const tail = (reason: string): readonly string[] =>
    explained(rollout([done, b], { phase: 'Paused', reason, message: 'why' }, spec), steady).next.slice(1);
  assert.deepEqual(tail('WaitingForApproval'), ['wave 2 of 2 begins']);
  assert.deepEqual(tail('MetricsInconclusive'), ['wave 2 waits for approval', 'wave 2 of 2 begins']);
  assert.equal(tail('PausedByOperator').length, 4);
});

test('explain: the gates with their numbers, and why waves passed', () => {
  const given = rollout([done, member('b', 2, { outcome: 'FAILED', acknowledged: true })], { wave: 2 });
  const waves = given.waves.map((wave, index) => (index === 0 ? { ...wave, evidence: 'all well' } : wave));
  const { evidence } = explained({ ...given, waves }, steady);
  assert.deepEqual(evidence.slice(0, 2), [
    'wave 1 passed: all well',
    'failures: 0 of 1 judged, 0 %, at least 0 %, 5 % are allowed, 1 acknowledged',
  ]);
  assert.match(evidence[2] ?? '', /^numbers of wave 2: not judged: the wave saw 0 requests/);
});

test('explain: every standing that is not final says what it waits for, in words, and since when', () => {
  for (const [what, given, view] of rows) {
    const { waits } = explained(given, view);
    if (['Complete', 'Aborted', 'Reverted'].includes(given.standing.phase)) continue;
    assert.ok(waits.length > 0 && waits.every(({ message, sinceMs }) => message !== '' && sinceMs > 0), what);
  }
});

function metrics() {
  return { minRequests: 100, maxErrorRatio: 2, maxP99Ratio: 2, maxCrashes: 0, maxScoreDrift: 0.25, patienceMs: 1 };
}
