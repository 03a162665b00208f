import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpenRollout, planNewcomers } from './newcomers.js';

const nodes = ['a', 'b', 'new', 'known'].map((id) => ({ id, labels: { site: id === 'known' ? 'y' : 'x' } }));
const rollout = (name: string, change: Partial<OpenRollout> = {}): OpenRollout => ({
  name,
  model: 'birds',
  complete: false,
  selects: () => true,
  has: (id) => id === 'a' || id === 'b',
  ...change,
});
const rows: readonly (readonly [what: string, rollouts: readonly OpenRollout[], joins: string])[] = [
  ['nobody without a rollout', [], ''],
  ['one at work takes in whoever it means and does not have', [rollout('v2')], 'v2 new,known'],
  ['only whoever it means', [rollout('v2', { selects: ({ site }) => site === 'x' })], 'v2 new'],
  ['a complete one takes in nodes that have been told nothing', [rollout('v1', { complete: true })], 'v1 new'],
  [
    'of the complete ones only the newest of a model',
    [rollout('v2', { complete: true, has: () => true }), rollout('v1', { complete: true })],
    '',
  ],
  [
    'the complete one at once, the one at work with its last wave',
    [rollout('v2'), rollout('v1', { complete: true })],
    'v2 new,known; v1 new',
  ],
  [
    'of two models the newest complete one that means it',
    [rollout('f1', { complete: true, model: 'fish' }), rollout('v1', { complete: true })],
    'f1 new',
  ],
  [
    'of two models at work the one that has it already',
    [rollout('f1', { model: 'fish' }), rollout('v2', { has: (id) => id === 'known' })],
    'f1 new',
  ],
];
for (const [what, rollouts, joins] of rows) {
  test(`planNewcomers: ${what}`, () => {
    const planned = planNewcomers(nodes, rollouts, (id) => id === 'new');
    assert.equal([...planned].map(([name, ids]) => `${name} ${ids.join()}`).join('; '), joins);
  });
}
