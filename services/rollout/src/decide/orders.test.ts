import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, newVersion, node, nowMs, rollout } from '../rollout-for-tests.js';
import { type Board, boardOf } from './board.js';
import type { Decision } from './decision.js';
import type { FleetView } from './fleet-view.js';
import {
  decideAbort,
  decidePause,
  decidePromote,
  decideResume,
  decideRetry,
  decideSupersede,
  decideUndo,
} from './orders.js';
import type { Phase, Rollout, Standing } from './rollout.js';

const a = member('a', 1);
const open = member('b', 2, 'unassigned');
const phases = (phase: Phase, change: Partial<Standing> = {}): Rollout => rollout([a, open], { phase, ...change });
const current = () => ({ generation: 5n, rollout: 'birds-v2' });
const soaking = fleet([node('a', 'SOAKING', 5n, newVersion)]);
const over = ['Complete', 'Aborted', 'Reverted'] as const;

type Order = (rollout: Rollout, board: Board, view: FleetView) => Decision;
const asked = (order: Order, given: Rollout, view = soaking): Decision => order(given, boardOf(given, view), view);
const abort =
  (policy: 'keep' | 'revert'): Order =>
  (given, board, view) =>
    decideAbort(given, board, policy, view);
const pause: Order = (given, _, view) => decidePause(given, view);
const promote =
  (full: boolean): Order =>
  (given, _, view) =>
    decidePromote(given, full, view);
const retry =
  (desired = current, others: readonly Rollout[] = []): Order =>
  (given, board, view) =>
    decideRetry(given, board, desired, others, view);
const undo =
  (desired = current, others: readonly Rollout[] = []): Order =>
  (given, board, view) =>
    decideUndo(given, board, desired, others, view);

/** phase/wave/reason/promoted and the actions, as one line. */
function said({ standing, actions }: Decision): string {
  const { phase, wave, reason, promoted, full } = standing;
  const done = actions.map((action) => {
    if (action.kind === 'reopen-waves') return `reopen ${action.from}`;
    return 'nodeIds' in action ? `${action.kind} ${action.nodeIds.join()}` : action.kind;
  });
  return [`${phase}/${wave}/${reason}/${full ? 'full' : promoted}`, ...done].join(' > ');
}

const gatePaused = { phase: 'Paused', reason: 'FailuresInconclusive' } as const;
const failed = member('a', 1, { outcome: 'FAILED' });
const acknowledged = member('c', 1, { outcome: 'TIMED_OUT', acknowledged: true });
const committed = member('k', 1, { outcome: 'COMMITTED' });
const rows: readonly (readonly [what: string, order: Order, given: Rollout, expected: string, view?: FleetView])[] = [
  ['pause', pause, phases('Progressing'), 'Paused/1/PausedByOperator/0'],
  ['pause before anything is assigned', pause, phases('Pending', { wave: 0 }), 'Paused/0/PausedByOperator/0'],
  ['pause what a gate paused', pause, phases('Paused', gatePaused), 'Paused/1/PausedByOperator/0'],
  ['resume', decideResume, phases('Paused', { reason: 'PausedByOperator' }), 'Progressing/1/Resumed/0'],
  ['resume before anything is assigned', decideResume, phases('Paused', { wave: 0 }), 'Pending/0/Resumed/0'],
  [
    'resume acknowledges the failures that count',
    decideResume,
    rollout([failed, acknowledged, open], gatePaused),
    'Progressing/1/Resumed/0 > acknowledge a',
  ],
  [
    'resume lets a wave whose numbers were in doubt soak once more',
    decideResume,
    phases('Paused', { reason: 'MetricsInconclusive' }),
    'Progressing/1/Resumed/0 > reopen 1',
  ],
  ['promote', promote(false), phases('Progressing'), 'Progressing/1/Promoted/1'],
  ['promote approves', promote(false), phases('Paused', { reason: 'WaitingForApproval' }), 'Progressing/1/Promoted/1'],
  ['promote before the first wave', promote(false), phases('Pending', { wave: 0 }), 'Pending/0/Promoted/1'],
  ['promote to all waves', promote(true), phases('Progressing'), 'Progressing/1/Promoted/full'],
  ['abort, revert', abort('revert'), phases('Progressing'), 'Reverting/1/AbortedByOperator/0 > revert a'],
  ['abort, keep: what serves the version keeps it', abort('keep'), phases('Paused'), 'Aborted/1/AbortedByOperator/0'],
  [
    'abort, keep: what does not serve it yet is called back',
    abort('keep'),
    phases('Progressing'),
    'Aborted/1/AbortedByOperator/0 > recall a',
    fleet([node('a', 'SELFTEST')]),
  ],
  [
    'abort: nodes that serve the version go back first, those out of reach last',
    abort('revert'),
    rollout([member('x', 1, { heardMs: 0 }), member('y', 1), a, committed]),
    'Reverting/1/AbortedByOperator/0 > revert a,y,k,x',
    fleet([node('a', 'SOAKING', 5n, newVersion), node('y', 'DOWNLOADING')]),
  ],
  [
    'abort before the first assignment',
    abort('revert'),
    rollout([open], { phase: 'Pending', wave: 0 }),
    'Aborted/0/AbortedByOperator/0',
  ],
  ['abort what goes back already', abort('revert'), phases('Reverting'), 'Reverting/1/WaitingForWave/0'],
  [
    'supersede calls back what does not serve the version yet',
    (given, board, view) => decideSupersede(given, board, 'birds-v3', view),
    phases('Progressing'),
    'Aborted/1/Superseded/0 > recall a',
    fleet([]),
  ],
  [
    'retry: the failed nodes, with an attempt more',
    retry(),
    rollout([failed, acknowledged, committed, open]),
    'Progressing/1/Retried/0 > reset a,c > reopen 1',
  ],
  [
    'retry what is complete',
    retry(),
    rollout([committed, member('a', 2, { outcome: 'ROLLED_BACK' })], { phase: 'Complete', wave: 2 }),
    'Progressing/2/Retried/0 > reset a > reopen 2',
  ],
  [
    'retry what was stopped: it begins again with all that have not kept the version',
    retry(),
    rollout([committed, failed, a, open], { phase: 'Aborted', promoted: 1 }),
    'Pending/0/Retried/0 > reset a,a > reopen 1',
  ],
  [
    'retry what went back',
    retry(() => ({ generation: 6n, rollout: 'birds-v2' })),
    rollout([member('a', 1, { outcome: 'COMMITTED', revertGeneration: 6n, back: true }), open], { phase: 'Reverted' }),
    'Pending/0/Retried/0 > reset a > reopen 1',
  ],
  ['undo what is complete', undo(), phases('Complete'), 'Reverting/1/Undone/0 > revert a'],
  ['undo what was stopped', undo(), phases('Aborted'), 'Reverting/1/Undone/0 > revert a'],
  ['undo what is paused', undo(), phases('Paused'), 'Reverting/1/Undone/0 > revert a'],
];
for (const [what, order, given, expected, view] of rows) {
  test(`orders: ${what}`, () => assert.equal(said(asked(order, given, view)), expected));
}

const other = { ...rollout([a]), uid: 'other' };
const moved = () => ({ generation: 7n, rollout: 'birds-v3' });
const nothingBefore = rollout([member('a', 1, { previous: undefined, outcome: 'FAILED' })]);
const refused: readonly (readonly [what: string, fault: RegExp, order: Order, given: Rollout])[] = [
  ...over.flatMap((phase) => [
    [`pause ${phase}`, /already/, pause, phases(phase)] as const,
    [`promote ${phase}`, /already/, promote(true), phases(phase)] as const,
    [`abort ${phase}`, /already/, abort('revert'), phases(phase)] as const,
    [`resume ${phase}`, /not paused/, decideResume, phases(phase)] as const,
  ]),
  ['pause what is paused', /is paused already/, pause, phases('Paused', { reason: 'PausedByOperator' })],
  ['pause what goes back', /nothing holds up/, pause, phases('Reverting')],
  ['resume what waits for approval', /promoting/, decideResume, phases('Paused', { reason: 'WaitingForApproval' })],
  ['retry without a failure', /no node of it has failed/, retry(), phases('Progressing')],
  ['retry what goes back', /wait until it is reverted/, retry(), phases('Reverting')],
  ['retry beside another', /is at work on the model/, retry(current, [other]), rollout([failed])],
  ['retry what was moved on', /birds-v3 has moved node a on/, retry(moved), rollout([failed])],
  ['undo what went back', /went back already/, undo(), phases('Reverted')],
  ['undo what was moved on', /birds-v3 has moved node a on/, undo(moved), phases('Complete')],
  ['undo beside another', /is at work on the model/, undo(current, [other]), phases('Complete')],
  ['undo where nothing was before', /no node has a version to go back to/, undo(), nothingBefore],
];
for (const [what, fault, order, given] of refused) {
  test(`orders: ${what} is refused: ${fault.source}`, () => {
    assert.throws(() => asked(order, given), { code: 'FAILED_PRECONDITION', message: fault });
  });
}

test('orders: a standing tells since when it is so', () => {
  assert.equal(asked(pause, phases('Progressing', { sinceMs: 7 })).standing.sinceMs, nowMs);
  assert.equal(asked(abort('revert'), phases('Reverting', { sinceMs: 7 })).standing.sinceMs, 7);
});
