import { describe, it } from 'node:test';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { dropDead } from './drop-dead.js';
import { Net } from './net-for-tests.js';

describe('dropDead', () => {
  const net = new Net();
  const x = net.input('x', [1, 4, 4, 2]);
  const unread = net.input('unread', [1, 2]);
  net.relu('dead_end', net.conv('dead', x, 3));
  net.relu('unread_too', unread);
  const graph = net.graph(net.conv('out', x, 1, { kernel: 1 }));

  it('drops what no output needs, and keeps the inputs', () => {
    assertPrints(
      dropDead(graph),
      `
          graph net (x:float32[1,4,4,2], unread:float32[1,2])
            out:float32[1,4,4,1] = CONV_2D(x, out/kernel:float32[1,1,1,2], out/bias:float32[1]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            return out
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(graph, dropDead(graph), 0));
});
