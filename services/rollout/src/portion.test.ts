import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from './decide/decision.js';
import { firstPortion, portion } from './portion.js';
import { rollout } from './rollout-for-tests.js';

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);
const { standing } = rollout([]);

test('firstPortion: the first nodes that are assigned or sent back, all else whole', () => {
  const decision: Decision = {
    standing,
    actions: [
      { kind: 'settle-wave', wave: 1 },
      { kind: 'assign', wave: 2, nodeIds: ids(portion - 1) },
      { kind: 'revert', nodeIds: ['x', 'y'] },
      { kind: 'revert', nodeIds: ['z'] },
      { kind: 'recall', nodeIds: ids(portion + 1) },
    ],
    waits: [],
  };
  const { actions } = firstPortion(decision);
  assert.deepEqual(
    actions.map((action) => ('nodeIds' in action ? action.nodeIds.length : action.kind)),
    ['settle-wave', portion - 1, 1, portion + 1],
  );
});

test('firstPortion: a small decision is done as it is', () => {
  const decision: Decision = { standing, actions: [{ kind: 'assign', wave: 1, nodeIds: ids(3) }], waits: [] };
  assert.deepEqual(firstPortion(decision), decision);
});
