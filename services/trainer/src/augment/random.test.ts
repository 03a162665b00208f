import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomStream, shuffled } from './random.js';

test('randomStream() is the same for the same seed and name and differs for any other', () => {
  const first = (seed: number, ...name: (string | number)[]) => {
    const random = randomStream(seed, ...name);
    return Array.from({ length: 8 }, () => random.bits());
  };
  assert.deepEqual(first(1, 'order', 2), first(1, 'order', 2));
  const others = [first(1, 'order', 2), first(2, 'order', 2), first(1, 'order', 3), first(1, 'weights', 2)];
  assert.equal(new Set(others.map(String)).size, others.length);
});

test('randomStream() is uniform: mean, variance and neighbours', () => {
  const random = randomStream(1, 'uniform');
  const values = Array.from({ length: 100_000 }, () => random.next());
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  const lag = values.slice(1).reduce((a, b, i) => a + (b - mean) * ((values[i] ?? 0) - mean), 0) / values.length;
  assert.ok(Math.abs(mean - 1 / 2) < 0.005, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `variance ${variance}`);
  assert.ok(Math.abs(lag) < 0.002, `neighbours ${lag}`);
});

test('shuffled() holds every number once and depends on the stream', () => {
  const a = shuffled(1_000, randomStream(1, 'a'));
  const b = shuffled(1_000, randomStream(1, 'b'));
  const inOrder = Uint32Array.from({ length: 1_000 }, (_, i) => i);
  assert.deepEqual(a.toSorted(), inOrder);
  assert.notDeepEqual(a, b);
  assert.notDeepEqual(a, inOrder);
});
