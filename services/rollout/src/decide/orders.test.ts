import assert from 'node:assert/strict';
import { test } from 'node:test';
import { member, rollout } from '../rollout-for-tests.js';
import { decideAbort, decideUndo } from './orders.js';
import type { Phase, Rollout } from './rollout.js';

const a = member('a', 1);
const open = member('b', 2, 'unassigned');
const phases = (phase: Phase): Rollout => rollout([a, open], { phase });
const current = () => ({ generation: 5n, rollout: 'birds-v2' });

test('decideAbort: keep leaves the nodes, revert sends back those that were assigned', () => {
  const kept = decideAbort(phases('Progressing'), 'keep');
  assert.deepEqual([kept.standing.phase, kept.standing.reason, kept.actions], ['Aborted', 'AbortedByOperator', []]);
  const reverted = decideAbort(phases('Progressing'), 'revert');
  assert.equal(reverted.standing.phase, 'Reverting');
  assert.deepEqual(reverted.actions, [{ kind: 'revert', nodeIds: ['a'] }]);
});

test('decideAbort: before the first assignment there is nothing to send back', () => {
  const { standing, actions } = decideAbort(rollout([open], { phase: 'Pending' }), 'revert');
  assert.deepEqual(
    [standing.phase, standing.message, actions],
    ['Aborted', 'stopped before any node was assigned', []],
  );
});

test('decideAbort: one that goes back already goes on, one that is over is refused', () => {
  assert.equal(decideAbort(phases('Reverting'), 'revert').standing.phase, 'Reverting');
  for (const phase of ['Complete', 'Aborted', 'Reverted'] as const) {
    assert.throws(() => decideAbort(phases(phase), 'revert'), { code: 'FAILED_PRECONDITION' }, phase);
  }
});

test('decideUndo sends every assigned node back, also of a rollout that is complete or was stopped', () => {
  for (const phase of ['Progressing', 'Complete', 'Aborted'] as const) {
    const { standing, actions } = decideUndo(phases(phase), current, []);
    assert.deepEqual([standing.phase, standing.reason], ['Reverting', 'Undone'], phase);
    assert.deepEqual(actions, [{ kind: 'revert', nodeIds: ['a'] }]);
  }
});

const other = { ...rollout([a]), uid: 'other' };
const refused: readonly (readonly [fault: RegExp, run: () => unknown])[] = [
  [/went back already/, () => decideUndo(phases('Reverted'), current, [])],
  [
    /birds-v3 has moved node a on/,
    () => decideUndo(phases('Complete'), () => ({ generation: 6n, rollout: 'birds-v3' }), []),
  ],
  [/is at work on the model/, () => decideUndo(phases('Complete'), current, [other])],
  [
    /no node has a version to go back to/,
    () => decideUndo(rollout([member('a', 1, { previous: undefined })]), current, []),
  ],
];
for (const [fault, run] of refused) {
  test(`decideUndo is refused: ${fault.source}`, () => {
    assert.throws(run, { code: 'FAILED_PRECONDITION', message: fault });
  });
}
