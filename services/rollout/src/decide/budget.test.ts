import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, node, rollout } from '../rollout-for-tests.js';
import { boardOf } from './board.js';
import { assignable, describeBudgets } from './budget.js';

/** Node ids begin with their site; "a1" to "a4", "b1" to "b4", and "-1", "-2" without one. */
const ids = ['a1', 'a2', 'b1', 'a3', '-1', 'b2', '-2', 'a4', 'b3', 'b4'];
const nodes = ids.map((id) => ({
  ...node(id, 'DOWNLOADING'),
  labels: id.startsWith('-') ? {} : { site: id.slice(0, 1) },
}));
const rows: readonly (readonly [
  what: string,
  underWay: string,
  maxInFlight: number,
  maxPerSite: number,
  chosen: string,
])[] = [
  ['without limits all', '', 0, 0, 'a1,a2,b1,a3,-1,b2,-2,a4,b3,b4'],
  ['the first few', '', 3, 0, 'a1,a2,b1'],
  ['what there is room for', 'a1,a2', 3, 0, 'b1'],
  ['nobody when there is no room', 'a1,a2,b1', 3, 0, ''],
  ['one of each site; without a site all', '', 0, 1, 'a1,b1,-1,-2'],
  ['a site that is full holds up no other', 'a1,a2', 0, 2, 'b1,-1,b2,-2'],
  ['both limits', 'a1', 3, 1, 'b1,-1'],
];
for (const [what, underWay, maxInFlight, maxPerSite, chosen] of rows) {
  test(`assignable: ${what}`, () => {
    const given = rollout(ids.map((id) => member(id, 1, underWay.split(',').includes(id) ? {} : 'unassigned')));
    const board = boardOf(given, fleet(nodes));
    const found = assignable({ maxInFlight, maxPerSite }, board, 1);
    assert.equal(found.map(({ nodeId }) => nodeId).join(), chosen);
  });
}

test('assignable: no node of a later wave, and nobody waits for a node that is done or given up', () => {
  const given = rollout([
    member('a', 1, { outcome: 'COMMITTED' }),
    member('b', 1, { heardMs: 0, assignedMs: 1 }),
    member('c', 1, 'unassigned'),
    member('d', 2, 'unassigned'),
  ]);
  const found = assignable({ maxInFlight: 1, maxPerSite: 0 }, boardOf(given, fleet([])), 1);
  assert.deepEqual(
    found.map(({ nodeId }) => nodeId),
    ['c'],
  );
});

test('describeBudgets says what there is', () => {
  assert.equal(describeBudgets({ maxInFlight: 0, maxPerSite: 0, siteLabel: 'site' }), '');
  assert.equal(
    describeBudgets({ maxInFlight: 5, maxPerSite: 2, siteLabel: 'shop' }),
    '5 at a time, 2 of a shop at a time',
  );
});
