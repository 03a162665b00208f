import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { canonicalArithmetic } from './canonical-arithmetic.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { fuseActivations } from './fuse-activation.js';
import { matchHardSwish } from './match-hard-swish.js';
import { Net } from './net-for-tests.js';

type Spelling = (net: Net, x: number, gate: number) => number;

const spellings: readonly (readonly [string, Spelling])[] = [
  ['x * gate / 6', (net, x, gate) => net.div('out', net.mul('product', x, gate), net.floats('six', [6]))],
  ['gate * x * (1/6)', (net, x, gate) => net.mul('out', net.mul('product', gate, x), net.floats('sixth', [1 / 6]))],
  ['x * (gate / 6)', (net, x, gate) => net.mul('out', x, net.div('share', gate, net.floats('six', [6])))],
  ['(gate * (1/6)) * x', (net, x, gate) => net.mul('out', net.mul('share', gate, net.floats('sixth', [1 / 6])), x)],
];

function swish(spell: Spelling, offset = 3): Graph {
  const net = new Net(9);
  const x = net.conv('conv', net.input('x', [1, 4, 4, 2]), 3);
  const gate = net.relu('gate', net.add('shifted', x, net.floats('three', [offset])), 'RELU6');
  return net.graph(spell(net, x, gate));
}

describe('matchHardSwish', () => {
  for (const [name, spell] of spellings) {
    for (const [how, prepare] of [
      ['as written', canonicalArithmetic],
      ['with RELU6 fused', (graph: Graph) => fuseActivations(canonicalArithmetic(graph))],
    ] as const) {
      it(`${name}, ${how}`, async () => {
        const after = matchHardSwish(prepare(swish(spell)));
        assertPrints(
          after,
          `graph net (x:float32[1,4,4,2])
           conv:float32[1,2,2,3] = CONV_2D(x, conv/kernel:float32[3,3,3,2], conv/bias:float32[3]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
           out:float32[1,2,2,3] = HARD_SWISH(conv)
           return out`,
        );
        await assertSameFunction(swish(spell), after, 1e-5);
      });
    }
  }

  it('leaves what is no hard-swish', () => {
    const graph = swish((net, x, gate) => net.mul('out', x, net.mul('share', gate, net.floats('sixth', [1 / 6]))), 2);
    assertPrints(
      matchHardSwish(graph),
      `
          graph net (x:float32[1,4,4,2])
            conv:float32[1,2,2,3] = CONV_2D(x, conv/kernel:float32[3,3,3,2], conv/bias:float32[3]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
            shifted:float32[1,2,2,3] = ADD(conv, three:float32[1]) {potScaleInt16=true}
            gate:float32[1,2,2,3] = RELU6(shifted)
            share:float32[1,2,2,3] = MUL(gate, sixth:float32[1])
            out:float32[1,2,2,3] = MUL(conv, share)
            return out
      `,
    );
  });
});
