import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { centreLogits } from './centre-logits.js';
import { assertSameFunction } from './compare-for-tests.js';
import { Net } from './net-for-tests.js';

type Head = (net: Net, x: number) => number;

/** Mean over the classes of the weights of the operation `logits`. */
function meanWeight(graph: Graph): number {
  const kernel = floatData(graph.values.find(({ name }) => name === 'logits/kernel')) ?? new Float32Array();
  const columns = kernel.length / 5;
  const sums = Array.from({ length: columns }, (_, column) =>
    Array.from({ length: 5 }, (_row, row) => kernel[row * columns + column] ?? 0).reduce((sum, one) => sum + one, 0),
  );
  return Math.max(...sums.map(Math.abs)) / 5;
}

const heads: readonly (readonly [string, Head, boolean])[] = [
  ['a dense layer', (net, x) => net.dense('logits', net.flatten('flat', x), 5), true],
  [
    'a convolution and a reshape',
    (net, x) => net.reshape('row', net.conv('logits', x, 5, { kernel: 4 }), [1, 5]),
    true,
  ],
  ['a convolution and a mean', (net, x) => net.mean('row', net.conv('logits', x, 5)), true],
  [
    'a convolution, an average and a reshape',
    (net, x) => net.reshape('row', net.pool('pooled', 'AVERAGE_POOL_2D', net.conv('logits', x, 5)), [1, 5]),
    true,
  ],
  ['a maximum in between', (net, x) => net.pool('pooled', 'MAX_POOL_2D', net.conv('logits', x, 5)), false],
  ['an activation', (net, x) => net.dense('logits', net.flatten('flat', x), 5, 'RELU'), false],
  ['classes that a reshape mixes', (net, x) => net.reshape('row', net.conv('logits', x, 5), [1, 20]), false],
];

describe('centreLogits', () => {
  for (const [name, head, centres] of heads) {
    it(`${name}: ${centres ? 'centred' : 'left'}`, async () => {
      const net = new Net(41);
      const x = net.input('x', [1, 4, 4, 2]);
      const graph = net.graph(net.softmax('scores', head(net, x)));
      const after = centreLogits(graph);
      assert.ok(meanWeight(graph) > 0.01);
      if (centres) assert.ok(meanWeight(after) < 1e-7, `${meanWeight(after)}`);
      else assert.equal(after, graph);
      await assertSameFunction(graph, after, 1e-5);
      assert.equal(centreLogits(after), after);
    });
  }
});
