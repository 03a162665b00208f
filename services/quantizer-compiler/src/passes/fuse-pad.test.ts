import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { fusePad } from './fuse-pad.js';
import { Net } from './net-for-tests.js';

type Margins = readonly [number, number, number, number];

function padded(margins: Margins, size: number, stride: number, dilation = 1): Graph {
  const net = new Net(5);
  const x = net.input('x', [1, size, size, 2]);
  const first = net.conv('conv', net.pad('margin', x, margins), 3, { stride, dilation });
  return net.graph(first);
}

function depthwise(): Graph {
  const net = new Net(6);
  const x = net.input('x', [1, 8, 8, 2]);
  return net.graph(net.depthwise('out', net.pad('margin', x, [0, 1, 0, 1]), { stride: 2 }));
}

describe('fusePad', () => {
  it('makes SAME of the zeros that it would put', async () => {
    assertPrints(
      fusePad(padded([1, 1, 1, 1], 8, 1)),
      `
          graph net (x:float32[1,8,8,2])
            conv:float32[1,8,8,3] = CONV_2D(x, conv/kernel:float32[3,3,3,2], conv/bias:float32[3]) {dilationH=1 dilationW=1 strideH=1 strideW=1}
            return conv
      `,
    );
    assertPrints(
      fusePad(depthwise()),
      `
          graph net (x:float32[1,8,8,2])
            out:float32[1,4,4,2] = DEPTHWISE_CONV_2D(x, out/kernel:float32[1,3,3,2], out/bias:float32[2]) {depthMultiplier=1 dilationH=1 dilationW=1 strideH=2 strideW=2}
            return out
      `,
    );
    await assertSameFunction(depthwise(), fusePad(depthwise()), 1e-6);
  });

  const cases: readonly (readonly [string, Graph, boolean])[] = [
    ['1 on all sides, stride 1', padded([1, 1, 1, 1], 8, 1), true],
    ['1 on all sides, odd size, stride 2', padded([1, 1, 1, 1], 7, 2), true],
    ['1 on all sides, even size, stride 2', padded([1, 1, 1, 1], 8, 2), false],
    ['1 after, even size, stride 2', padded([0, 1, 0, 1], 8, 2), true],
    ['2 on all sides, dilation 2', padded([2, 2, 2, 2], 8, 1, 2), true],
    ['3 on all sides', padded([3, 3, 3, 3], 8, 1), false],
    ['only above and below', padded([1, 1, 0, 0], 8, 1), false],
  ];
  for (const [name, graph, fuses] of cases) {
    it(`${name}: ${fuses ? 'fused' : 'kept'}`, async () => {
      const after = fusePad(graph);
      assert.equal(after.ops.length, fuses ? 1 : 2);
      await assertSameFunction(graph, after, 1e-6);
    });
  }
});
