import fc from 'fast-check';
import { it } from 'node:test';
import assert from 'node:assert/strict';
import type { Graph } from '../graph/graph.js';
import { assertSameFunction } from './compare-for-tests.js';
import { foldScaling } from './fold-scaling.js';
import { Net } from './net-for-tests.js';

const layers = ['conv', 'depthwise', 'transposed', 'dense'] as const;

/** Batch normalization with these statistics: gamma / sqrt(variance + epsilon) * (x - mean) + beta. */
const statistics = fc.record({
  gamma: fc.double({ min: -3, max: 3, noNaN: true }),
  beta: fc.double({ min: -3, max: 3, noNaN: true }),
  mean: fc.double({ min: -3, max: 3, noNaN: true }),
  variance: fc.double({ min: 1e-3, max: 10, noNaN: true }),
});

const cases = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  layer: fc.constantFrom(...layers),
  before: fc.boolean(),
  kernel: fc.constantFrom(1, 3),
  stride: fc.constantFrom(1, 2),
  padding: fc.constantFrom('SAME' as const, 'VALID' as const),
  // Where all factors are 0 there is nothing to compare.
  channels: fc
    .array(statistics, { minLength: 1, maxLength: 5 })
    .filter((channels) => channels.some(({ gamma }) => Math.abs(gamma) > 1e-3)),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

/** A layer with batch normalization after it, or before it where nothing is padded. */
function normalized({ seed, layer, before, kernel, stride, padding, channels }: Case): Graph {
  const net = new Net(seed);
  const normalize = (x: number): number => {
    const factors = channels.map(({ gamma, variance }) => gamma / Math.sqrt(variance + 1e-3));
    const offsets = channels.map(({ beta, mean }, channel) => beta - mean * (factors[channel] ?? 0));
    return net.add('bn', net.mul('bn/scaled', x, net.floats('bn/scale', factors)), net.floats('bn/offset', offsets));
  };
  const apply = (x: number): number => {
    const filters = before ? 3 : channels.length;
    const window = { kernel, stride, padding: before ? ('VALID' as const) : padding };
    if (layer === 'conv') return net.conv('layer', x, filters, window);
    if (layer === 'depthwise') return net.depthwise('layer', x, window);
    if (layer === 'transposed' && !before) return net.transposeConv('layer', x, filters, stride);
    return net.dense('layer', net.flatten('flat', x), filters);
  };
  const depth = before || layer === 'depthwise' ? channels.length : 2;
  const x = net.input('x', [1, 6, 6, depth]);
  return net.graph(before ? apply(normalize(x)) : normalize(apply(x)));
}

it('foldScaling folds batch normalization before or after any layer, exact to 1e-5', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const graph = normalized(one);
      const after = foldScaling(graph);
      assert.deepEqual(
        after.ops.map(({ kind }) => kind).filter((kind) => kind === 'MUL' || kind === 'ADD'),
        [],
      );
      await assertSameFunction(graph, after, 1e-5, [one.seed]);
    }),
    { numRuns: 60, seed: 7 },
  );
});
