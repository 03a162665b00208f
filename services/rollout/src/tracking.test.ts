import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Board, boardOf } from './decide/board.js';
import type { FleetView, NodeView } from './decide/fleet-view.js';
import type { Member, Rollout } from './decide/rollout.js';
import { fleet, member, node, nowMs, rollout } from './rollout-for-tests.js';
import { createTracking, type Occasion } from './tracking.js';

/** A fleet that counts how often each node is looked at. */
function counting(nodes: readonly NodeView[], change: Partial<FleetView> = {}): { view: FleetView; asked: string[] } {
  const view = fleet(nodes, change);
  const asked: string[] = [];
  const get = (id: string): NodeView | undefined => {
    asked.push(id);
    return view.nodes.get(id);
  };
  return { view: { ...view, nodes: { get } }, asked };
}

const quiet: Occasion = { news: new Set(), sweep: 'none' };
const members = [member('a', 1), member('b', 1, { outcome: 'COMMITTED' }), member('c', 2, 'unassigned')];
const nodes = ['a', 'b', 'c'].map((id) => node(id, 'DOWNLOADING'));
const setUp = (): { tracking: ReturnType<typeof createTracking>; first: Rollout } => {
  const tracking = createTracking();
  const first = rollout(members);
  const { board, isNew } = tracking.judge(first, fleet(nodes), quiet);
  assert.deepEqual([[...board.all()].map(({ state }) => state), isNew], [['IN_FLIGHT', 'COMMITTED', 'PENDING'], true]);
  return { tracking, first };
};

test('judge: when nothing is new nobody is looked at, and it says so', () => {
  const { tracking, first } = setUp();
  const { view, asked } = counting(nodes);
  assert.equal(tracking.judge(first, view, quiet).isNew, false);
  assert.deepEqual(asked, []);
});

test('judge: news of one node are one node’s cost', () => {
  const { tracking, first } = setUp();
  const { view, asked } = counting([node('a', 'STEADY'), ...nodes.slice(1)]);
  const { board, changes, isNew } = tracking.judge(first, view, { news: new Set(['a', 'other']), sweep: 'none' });
  assert.deepEqual([...new Set(asked)], ['a']);
  assert.deepEqual([board.get('a')?.state, isNew], ['COMMITTED', true]);
  assert.deepEqual(changes, [{ nodeId: 'a', ended: { outcome: 'COMMITTED', reasonCode: '', message: '' } }]);
});

test('judge: a member that was written is judged again', () => {
  const { tracking, first } = setUp();
  const next = { ...first, members: [...members.slice(0, 2), member('c', 2)] };
  assert.equal(tracking.judge(next, fleet(nodes), quiet).board.get('c')?.state, 'IN_FLIGHT');
});

test('judge: a sweep finds the deadline that passed, among the nodes that wait', () => {
  const { tracking, first } = setUp();
  const { view, asked } = counting(nodes, { nowMs: nowMs + 3_600_000 });
  assert.equal(tracking.judge(first, view, quiet).isNew, false);
  const { board } = tracking.judge(first, view, { news: new Set(), sweep: 'open' });
  assert.equal(board.get('a')?.state, 'TIMED_OUT');
  assert.deepEqual([...new Set(asked)], ['a']);
});

test('judge: what is new of the fleet as a whole is a look at all who wait', () => {
  const { tracking, first } = setUp();
  assert.equal(tracking.judge(first, fleet(nodes, { connected: false }), quiet).isNew, true);
});

/** All that rules may ask of a board. */
function said(board: Board): object {
  const ids = (verdicts: Iterable<{ readonly nodeId: string }>): string[] => [...verdicts].map(({ nodeId }) => nodeId);
  const ways = ['none', 'unsent', 'under-way', 'back', 'stuck', 'unreached'] as const;
  return {
    verdicts: [...board.all()],
    counts: [board.counts(), board.counts(1), board.countsOf(2)],
    lists: [board.unassigned(1), board.unassigned(2), board.open(), board.away(2), board.failures()].map((list) =>
      ids(list).toSorted(),
    ),
    sizes: [board.openCount(1), board.openCount(), board.awayCount(2), board.failureCount(), board.acknowledgedCount()],
    sites: ['', 'x', 'y'].map((site) => board.openAt(site)),
    ways: ways.map((way) => [...board.way(way).keys()].toSorted()),
  };
}

test('judge: after any sequence of news and sweeps the verdicts are those of judging everybody', () => {
  const parts: readonly (Partial<Member> | 'unassigned')[] = [
    'unassigned',
    { heardMs: 0 },
    { revertGeneration: 6n },
    { revertGeneration: 6n, outcome: 'FAILED' },
    { outcome: 'ROLLED_BACK', acknowledged: true },
    { outcome: 'TIMED_OUT' },
    {},
  ];
  const phases = ['ASSIGNED', 'STEADY', 'FAILED', 'SOAKING', 'ROLLED_BACK'] as const;
  for (let seed = 1; seed <= 50; seed++) {
    let state = seed;
    const chance = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const tracking = createTracking();
    const ids = Array.from({ length: 12 }, (_, index) => `n${index}`);
    let current = rollout(ids.map((id, index) => member(id, index < 8 ? 1 : 2, index % 3 === 0 ? 'unassigned' : {})));
    const known = new Map(ids.map((id) => [id, node(id, 'ASSIGNED')]));
    let time = nowMs;
    for (let turn = 0; turn < 30; turn++) {
      const news = new Set<string>();
      for (let count = chance(3); count > 0; count--) {
        const id = ids[chance(ids.length)] ?? '';
        const labels = { site: chance(2) === 0 ? 'x' : 'y' };
        known.set(id, { ...node(id, phases[chance(phases.length)] ?? 'STEADY'), online: chance(3) > 0, labels });
        news.add(id);
      }
      const position = chance(ids.length);
      const changed = current.members.map((one, index): Member =>
        index === position ? { ...one, ...member(one.nodeId, one.wave, parts[chance(parts.length)]) } : one,
      );
      if (chance(3) === 0) current = { ...current, members: changed };
      const moved = chance(2) === 0;
      if (moved) time += 4_000;
      const view = fleet([...known.values()], { nowMs: time, silenceCounts: chance(4) > 0 });
      const { board } = tracking.judge(current, view, { news, sweep: moved ? 'open' : 'none' });
      assert.deepEqual(said(board), said(boardOf(current, view)), `seed ${seed}, turn ${turn}`);
    }
  }
});
