import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  const { verdicts, isNew } = tracking.judge(first, fleet(nodes), quiet);
  assert.deepEqual([verdicts.map(({ state }) => state), isNew], [['IN_FLIGHT', 'COMMITTED', 'PENDING'], true]);
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
  const { verdicts, changes, isNew } = tracking.judge(first, view, { news: new Set(['a', 'other']), sweep: 'none' });
  assert.deepEqual([...new Set(asked)], ['a']);
  assert.deepEqual([verdicts[0]?.state, isNew], ['COMMITTED', true]);
  assert.deepEqual(changes, [{ nodeId: 'a', ended: { outcome: 'COMMITTED', reasonCode: '', message: '' } }]);
});

test('judge: a member that was written is judged again', () => {
  const { tracking, first } = setUp();
  const next = { ...first, members: [...members.slice(0, 2), member('c', 2)] };
  assert.equal(tracking.judge(next, fleet(nodes), quiet).verdicts[2]?.state, 'IN_FLIGHT');
});

test('judge: a sweep finds the deadline that passed, among the nodes that wait', () => {
  const { tracking, first } = setUp();
  const { view, asked } = counting(nodes, { nowMs: nowMs + 3_600_000 });
  assert.equal(tracking.judge(first, view, quiet).isNew, false);
  const { verdicts } = tracking.judge(first, view, { news: new Set(), sweep: 'open' });
  assert.equal(verdicts[0]?.state, 'TIMED_OUT');
  assert.deepEqual([...new Set(asked)], ['a']);
});

test('judge: what is new of the fleet as a whole is a look at all who wait', () => {
  const { tracking, first } = setUp();
  assert.equal(tracking.judge(first, fleet(nodes, { connected: false }), quiet).isNew, true);
});

test('judge: after any sequence of news and sweeps the verdicts are those of judging everybody', () => {
  const phases = ['ASSIGNED', 'STEADY', 'FAILED', 'SOAKING', 'ROLLED_BACK'] as const;
  for (let seed = 1; seed <= 50; seed++) {
    let state = seed;
    const chance = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const tracking = createTracking();
    const ids = Array.from({ length: 12 }, (_, index) => `n${index}`);
    let current = rollout(ids.map((id, index) => member(id, 1, index % 3 === 0 ? 'unassigned' : {})));
    const known = new Map(ids.map((id) => [id, node(id, 'ASSIGNED')]));
    let time = nowMs;
    for (let turn = 0; turn < 30; turn++) {
      const news = new Set<string>();
      for (let count = chance(3); count > 0; count--) {
        const id = ids[chance(ids.length)] ?? '';
        known.set(id, { ...node(id, phases[chance(phases.length)] ?? 'STEADY'), online: chance(3) > 0 });
        news.add(id);
      }
      const position = chance(ids.length);
      const changed = current.members.map((one, index): Member =>
        index === position ? member(one.nodeId, 1, { heardMs: chance(2) === 0 ? 0 : time }) : one,
      );
      if (chance(3) === 0) current = { ...current, members: changed };
      const moved = chance(2) === 0;
      if (moved) time += 4_000;
      const view = fleet([...known.values()], { nowMs: time, silenceCounts: chance(4) > 0 });
      const { verdicts } = tracking.judge(current, view, { news, sweep: moved ? 'open' : 'none' });
      const afresh = createTracking().judge(current, view, quiet).verdicts;
      assert.deepEqual(verdicts, afresh, `seed ${seed}, turn ${turn}`);
    }
  }
});
