import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cumulativeSizes, planWaves } from './waves.js';

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

const nodes = Array.from({ length: 100 }, (_, index) => `node-${index}`);

test('planWaves puts each node into one wave, the same ones every time, whatever the order of the list', () => {
  const plan = planWaves('u1', nodes, ['10%', '50%', '100%']);
  assert.deepEqual(
    plan.map((wave) => wave.length),
    [10, 40, 50],
  );
  assert.deepEqual(plan.flat().toSorted(), nodes.toSorted());
  assert.deepEqual(planWaves('u1', nodes.toReversed(), ['10%', '50%', '100%']), plan);
});

test('planWaves draws other canaries for another rollout', () => {
  assert.notDeepEqual(planWaves('u1', nodes, ['10%'])[0], planWaves('u2', nodes, ['10%'])[0]);
});

test('planWaves puts nodes that are away last', () => {
  const first = planWaves('u1', nodes, ['10%', '100%'])[0] ?? [];
  const plan = planWaves('u1', nodes, ['10%', '90%', '100%'], new Set(first));
  assert.deepEqual(plan.at(-1), first);
});
