import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { Net } from './net-for-tests.js';
import { scalingToDepthwise } from './scaling-to-depthwise.js';

/** A pair, a single factor, a single addend, one of one number before an output, and a pair over a row. */
function unfolded(): Graph {
  const net = new Net(31);
  const x = net.input('x', [1, 4, 4, 3]);
  const pair = net.relu('relu', net.batchNorm('pair', x), 'RELU6');
  const factor = net.relu('relu_2', net.mul('factor', pair, net.uniform('f', [3], -1, 1)), 'RELU_N1_TO_1');
  const addend = net.add('addend', factor, net.uniform('a', [1, 1, 1, 3], -1, 1));
  const plain = net.mul('plain', net.relu('relu_3', addend), net.floats('two', [2]));
  return net.graph(net.batchNorm('row', net.mean('mean', plain)), plain);
}

describe('scalingToDepthwise', () => {
  it('makes 1x1 depthwise convolutions of factors and addends for each channel of an image', () => {
    assertPrints(
      scalingToDepthwise(unfolded()),
      `
          graph net (x:float32[1,4,4,3])
            pair:float32[1,4,4,3] = DEPTHWISE_CONV_2D(x, pair/factors:float32[1,1,1,3], pair/addends:float32[3]) {depthMultiplier=1 dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            relu:float32[1,4,4,3] = RELU6(pair)
            factor:float32[1,4,4,3] = DEPTHWISE_CONV_2D(relu, factor/factors:float32[1,1,1,3], factor/addends:float32[3]) {depthMultiplier=1 dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            relu_2:float32[1,4,4,3] = RELU_N1_TO_1(factor)
            addend:float32[1,4,4,3] = DEPTHWISE_CONV_2D(relu_2, addend/factors:float32[1,1,1,3], addend/addends:float32[3]) {depthMultiplier=1 dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            plain:float32[1,4,4,3] = RELU(addend)
            mean:float32[1,3] = MEAN(plain, mean/axes:int32[2])
            row/scaled:float32[1,3] = MUL(mean, row/scale:float32[3])
            row:float32[1,3] = ADD(row/scaled, row/offset:float32[3]) {potScaleInt16=true}
            return row, plain
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(unfolded(), scalingToDepthwise(unfolded()), 1e-6));

  for (const [name, lowest, expected] of [
    ['behind a pool, where there are fewer places', 0.1, ['CONV_2D', 'MAX_POOL_2D', 'DEPTHWISE_CONV_2D']],
    ['before a pool whose maximum a negative factor would change', -1, ['CONV_2D', 'DEPTHWISE_CONV_2D', 'MAX_POOL_2D']],
  ] as const) {
    it(name, async () => {
      const net = new Net(32);
      const conv = net.conv('conv', net.input('x', [1, 6, 6, 2]), 4, { activation: 'RELU6' });
      const pooled = net.pool('pooled', 'MAX_POOL_2D', net.batchNorm('bn', conv, lowest));
      const graph = net.graph(pooled);
      const after = scalingToDepthwise(graph);
      assert.deepEqual(
        after.ops.map(({ kind }) => kind),
        expected,
      );
      await assertSameFunction(graph, after, 1e-6);
    });
  }
});
