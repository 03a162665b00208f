import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { fuseActivations } from './fuse-activation.js';
import { Net } from './net-for-tests.js';

function activated(): Graph {
  const net = new Net(7);
  const x = net.input('x', [1, 8, 8, 2]);
  const conv = net.relu('conv', net.conv('conv/linear', x, 4, { padding: 'SAME' }), 'RELU6');
  const pooled = net.pool('pooled', 'MAX_POOL_2D', net.depthwise('depthwise', conv, { padding: 'SAME' }));
  const hoisted = net.relu('hoisted', net.pad('margin', pooled, [1, 0, 1, 0]));
  const sum = net.relu('sum', net.add('sum/linear', hoisted, hoisted), 'RELU_N1_TO_1');
  const up = net.relu('up', net.transposeConv('up/linear', sum, 3));
  const mean = net.relu('mean', net.pool('mean/linear', 'AVERAGE_POOL_2D', up));
  const joined = net.relu('joined', net.concat('joined/linear', [mean, mean]));
  return net.graph(net.relu('dense', net.dense('dense/linear', net.flatten('flat', joined), 5)));
}

describe('fuseActivations', () => {
  it('moves into what takes them, past what only picks elements; not into joins, means and transposed convolutions', () => {
    assertPrints(
      fuseActivations(activated()),
      `
          graph net (x:float32[1,8,8,2])
            conv:float32[1,8,8,4] = CONV_2D(x, conv/linear/kernel:float32[4,3,3,2], conv/linear/bias:float32[4]) {activation=3 dilationH=1 dilationW=1 strideH=1 strideW=1}
            depthwise:float32[1,8,8,4] = DEPTHWISE_CONV_2D(conv, depthwise/kernel:float32[1,3,3,4], depthwise/bias:float32[4]) {activation=1 depthMultiplier=1 dilationH=1 dilationW=1 strideH=1 strideW=1}
            pooled:float32[1,4,4,4] = MAX_POOL_2D(depthwise) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
            hoisted:float32[1,5,5,4] = PAD(pooled, margin/margins:int32[4,2])
            sum:float32[1,5,5,4] = ADD(hoisted, hoisted) {activation=2 potScaleInt16=true}
            up/linear:float32[1,10,10,3] = TRANSPOSE_CONV(up/linear/shape:int32[4], up/linear/kernel:float32[3,3,3,4], sum, up/linear/bias:float32[3]) {strideH=2 strideW=2}
            up:float32[1,10,10,3] = RELU(up/linear)
            mean/linear:float32[1,5,5,3] = AVERAGE_POOL_2D(up) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
            mean:float32[1,5,5,3] = RELU(mean/linear)
            joined/linear:float32[1,5,5,6] = CONCATENATION(mean, mean) {axis=3}
            joined:float32[1,5,5,6] = RELU(joined/linear)
            flat:float32[1,150] = RESHAPE(joined, flat/shape:int32[2]) {newShape=1,150}
            dense:float32[1,5] = FULLY_CONNECTED(flat, dense/linear/kernel:float32[5,150], dense/linear/bias:float32[5]) {activation=1}
            return dense
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(activated(), fuseActivations(activated()), 1e-6));

  it('leaves it where its input is read elsewhere too, or is an output', () => {
    const net = new Net();
    const conv = net.conv('conv', net.input('x', [1, 4, 4, 1]), 1);
    const out = net.relu('out', conv);
    assertPrints(
      fuseActivations(net.graph(out, conv)),
      `
          graph net (x:float32[1,4,4,1])
            conv:float32[1,2,2,1] = CONV_2D(x, conv/kernel:float32[1,3,3,1], conv/bias:float32[1]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            out:float32[1,2,2,1] = RELU(conv)
            return out, conv
      `,
    );
  });
});
