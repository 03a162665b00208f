import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { addBias } from './add-bias.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { Net } from './net-for-tests.js';

function unbiased(): Graph {
  const net = new Net(8);
  const x = net.input('x', [1, 4, 4, 2]);
  const conv = net.conv('conv', x, 3, { bias: false });
  const depthwise = net.depthwise('depthwise', net.conv('biased', conv, 3, { kernel: 1 }), { kernel: 1, bias: false });
  const up = net.transposeConv('up', depthwise, 2, 2, false);
  return net.graph(net.dense('dense', net.flatten('flat', up), 4, 'NONE', false));
}

describe('addBias', () => {
  it('adds zeros wherever there are weights and no bias', () => {
    assertPrints(
      addBias(unbiased()),
      `
          graph net (x:float32[1,4,4,2])
            conv:float32[1,2,2,3] = CONV_2D(x, conv/kernel:float32[3,3,3,2], conv/zero_bias:float32[3]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            biased:float32[1,2,2,3] = CONV_2D(conv, biased/kernel:float32[3,1,1,3], biased/bias:float32[3]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            depthwise:float32[1,2,2,3] = DEPTHWISE_CONV_2D(biased, depthwise/kernel:float32[1,1,1,3], depthwise/zero_bias:float32[3]) {depthMultiplier=1 dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            up:float32[1,4,4,2] = TRANSPOSE_CONV(up/shape:int32[4], up/kernel:float32[2,3,3,3], depthwise, up/zero_bias:float32[2]) {strideH=2 strideW=2}
            flat:float32[1,32] = RESHAPE(up, flat/shape:int32[2]) {newShape=1,32}
            dense:float32[1,4] = FULLY_CONNECTED(flat, dense/kernel:float32[4,32], dense/zero_bias:float32[4])
            return dense
      `,
    );
  });

  it('leaves the function as it was', async () => {
    // Runtimes refuse a convolution without a bias.
    const net = new Net(8);
    const up = net.transposeConv('up', net.input('x', [1, 4, 4, 2]), 2, 2, false);
    const graph = net.graph(net.dense('dense', net.flatten('flat', up), 4, 'NONE', false));
    await assertSameFunction(graph, addBias(graph), 1e-6);
  });
});
