import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, cumulativeSizes, planWaves } from './waves.js';

const tables: readonly (readonly [waves: readonly string[], nodes: number, sizes: readonly number[]])[] = [
  [['10%', '50%', '100%'], 3, [1, 2, 3]],
  [['10%', '50%', '100%'], 1, [1]],
  [['10%', '50%', '100%'], 30, [3, 15, 30]],
  [['10%', '50%', '100%'], 31, [4, 16, 31]],
  [['1', '100%'], 3, [1, 3]],
  [['1', '5', '9'], 3, [1, 3]],
  [['0.5%', '100%'], 10_000, [50, 10_000]],
  [['50%'], 4, [2]],
];
for (const [waves, nodes, sizes] of tables) {
  test(`cumulativeSizes: ${waves.join()} of ${nodes} nodes are ${sizes.join()}`, () => {
    assert.deepEqual(cumulativeSizes(waves, nodes), sizes);
  });
}

const refused: readonly (readonly [waves: readonly string[], fault: RegExp])[] = [
  [['50%', '10%'], /must rise/],
  [['0'], /at least one/],
  [['0%'], /at least one/],
  [['101%'], /no more than 100%/],
  [['ten'], /neither a share/],
  [['-1'], /neither a share/],
  [['1e3'], /neither a share/],
  [[''], /neither a share/],
];
for (const [waves, fault] of refused) {
  test(`cumulativeSizes refuses ${JSON.stringify(waves)}`, () => {
    assert.throws(() => cumulativeSizes(waves, 100), { code: 'INVALID_ARGUMENT', message: fault });
  });
}

const plain = (id: string): Candidate => ({ id, hardware: '', site: '', away: false });
const nodes = Array.from({ length: 100 }, (_, index) => plain(`node-${index}`));
const ids = (of: readonly Candidate[]): string[] => of.map(({ id }) => id);

test('planWaves puts each node into one wave, the same ones every time, whatever the order of the list', () => {
  const plan = planWaves('u1', nodes, ['10%', '50%', '100%']);
  assert.deepEqual(
    plan.map((wave) => wave.length),
    [10, 40, 50],
  );
  assert.deepEqual(plan.flat().toSorted(), ids(nodes).toSorted());
  assert.deepEqual(planWaves('u1', nodes.toReversed(), ['10%', '50%', '100%']), plan);
});

test('planWaves draws other canaries for another rollout', () => {
  assert.notDeepEqual(planWaves('u1', nodes, ['10%'])[0], planWaves('u2', nodes, ['10%'])[0]);
});

test('planWaves puts nodes that are away last', () => {
  const first = new Set(planWaves('u1', nodes, ['10%', '100%'])[0]);
  const without = nodes.map((node) => ({ ...node, away: first.has(node.id) }));
  const plan = planWaves('u1', without, ['10%', '90%', '100%']);
  assert.deepEqual(plan.at(-1)?.toSorted(), [...first].toSorted());
});

/** 1,000 nodes: 900 native and 90 wasm ones at nine sites, ten with an Edge TPU at a site of their own. */
const mix = Array.from({ length: 1_000 }, (_, index): Candidate => {
  const hardware = index < 900 ? 'native' : index < 990 ? 'wasm' : 'edgetpu';
  return { ...plain(`n${index}`), hardware, site: index < 990 ? `s${index % 9}` : 'roof' };
});
const byId = new Map(mix.map((node) => [node.id, node]));
const share = (wave: readonly string[], is: (node: Candidate) => boolean): number =>
  wave.filter((id) => is(byId.get(id) ?? plain(id))).length / wave.length;

for (const uid of ['u1', 'u2', 'u3']) {
  test(`planWaves (${uid}): each wave is a small picture of the fleet`, () => {
    const [first = [], second = []] = planWaves(uid, mix, ['10%', '50%', '100%']);
    for (const wave of [first, second]) {
      assert.ok(Math.abs(share(wave, ({ hardware }) => hardware === 'wasm') - 0.09) <= 0.05);
      for (let site = 0; site < 9; site++)
        assert.ok(Math.abs(share(wave, (node) => node.site === `s${site}`) - 0.11) <= 0.05, `site ${site}`);
    }
  });

  test(`planWaves (${uid}): the first wave has each kind of hardware where it has room, the most frequent first`, () => {
    const kinds = (waves: readonly string[]): string[] =>
      (planWaves(uid, mix, waves)[0] ?? []).map((id) => byId.get(id)?.hardware ?? '').toSorted();
    assert.deepEqual(kinds(['1', '100%']), ['native']);
    assert.deepEqual(kinds(['2', '100%']), ['native', 'wasm']);
    assert.deepEqual(kinds(['3', '100%']), ['edgetpu', 'native', 'wasm']);
  });
}

test('planWaves: a kind of hardware that is away is not waited for in the first wave', () => {
  const without = mix.map((node) => ({ ...node, away: node.hardware === 'edgetpu' }));
  const [first = []] = planWaves('u1', without, ['10%', '100%']);
  assert.equal(
    share(first, ({ hardware }) => hardware === 'edgetpu'),
    0,
  );
});
