import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { dropIdentities } from './drop-identities.js';
import { Net } from './net-for-tests.js';

function idle(): Graph {
  const net = new Net(4);
  const x = net.input('x', [1, 4, 4, 2]);
  let last = net.mul('times_one', x, net.floats('one', [1]));
  last = net.add('plus_zero', last, net.floats('zeros', [0, 0]));
  last = net.pad('padded', last, [0, 0, 0, 0]);
  last = net.conv('conv', last, 4, { activation: 'RELU6' });
  last = net.relu('relu_again', last);
  last = net.concat('alone', [last]);
  last = net.transpose('to_rows', last, [0, 2, 1, 3]);
  last = net.transpose('back', last, [0, 2, 1, 3]);
  last = net.reshape('rows', last, [2, 2, 4]);
  last = net.reshape('rows_again', last, [2, 2, 4]);
  last = net.reshape('flat', last, [1, 16]);
  const thin = net.reshape('thin', last, [1, 1, 16]);
  return net.graph(net.transpose('out', thin, [2, 0, 1]));
}

describe('dropIdentities', () => {
  it('drops what gives what it gets, up to one reshape', () => {
    assertPrints(
      dropIdentities(idle()),
      `
          graph net (x:float32[1,4,4,2])
            conv:float32[1,2,2,4] = CONV_2D(x, conv/kernel:float32[4,3,3,2], conv/bias:float32[4]) {activation=3 dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            out:float32[16,1,1] = RESHAPE(conv, out/shape:int32[3]) {newShape=16,1,1}
            return out
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(idle(), dropIdentities(idle()), 0));

  it('keeps the names of the border, and the last operation between input and output', () => {
    const net = new Net();
    const x = net.input('x', [1, 2]);
    const graph = net.graph(net.mul('out', x, net.floats('one', [1])));
    assertPrints(
      dropIdentities(graph),
      `
          graph net (x:float32[1,2])
            out:float32[1,2] = MUL(x, one:float32[1])
            return out
      `,
    );
    const other = new Net();
    const conv = other.conv('conv', other.input('x', [1, 3, 3, 1]), 2);
    assertPrints(
      dropIdentities(other.graph(other.reshape('out', conv, [1, 1, 1, 2]))),
      `
          graph net (x:float32[1,3,3,1])
            out:float32[1,1,1,2] = CONV_2D(x, conv/kernel:float32[2,3,3,1], conv/bias:float32[2]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            return out
      `,
    );
  });

  it('keeps a transposition that moves something, a factor that broadcasts, and a ReLU that bounds', () => {
    const net = new Net();
    const x = net.input('x', [1, 2, 1]);
    const wide = net.mul('wide', x, net.floats('ones', [1, 1], [1, 1, 2]));
    const turned = net.transpose('turned', wide, [0, 2, 1]);
    assertPrints(
      dropIdentities(net.graph(net.relu('bounded', net.relu('positive', turned), 'RELU6'))),
      `
          graph net (x:float32[1,2,1])
            wide:float32[1,2,2] = MUL(x, ones:float32[1,1,2])
            turned:float32[1,2,2] = TRANSPOSE(wide, turned/order:int32[3])
            positive:float32[1,2,2] = RELU(turned)
            bounded:float32[1,2,2] = RELU6(positive)
            return bounded
      `,
    );
  });
});
