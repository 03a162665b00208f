import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { foldScaling } from './fold-scaling.js';
import { Net } from './net-for-tests.js';

const kinds = (graph: Graph): string => graph.ops.map(({ kind }) => kind).join(' ');

/** Batch normalization after each operation with weights, and once before a ReLU, a pool and a flattened dense layer. */
function normalized(): Graph {
  const net = new Net(21);
  const x = net.input('x', [1, 8, 8, 2]);
  const conv = net.relu('conv', net.batchNorm('conv/bn', net.conv('conv/linear', x, 4, { padding: 'SAME' })), 'RELU6');
  const depthwise = net.batchNorm('depthwise/bn', net.depthwise('depthwise', conv, { padding: 'SAME' }, 2), -1);
  const up = net.batchNorm('up/bn', net.transposeConv('up', depthwise, 3), -1);
  const relu = net.relu('relu', net.conv('plain', up, 4, { stride: 2 }));
  const pooled = net.pool('pooled', 'MAX_POOL_2D', net.batchNorm('late/bn', relu));
  const dense = net.dense('dense', net.flatten('flat', pooled), 5);
  return net.graph(net.batchNorm('out', dense, -1));
}

/** x * 2 + 3, then a 1x2 convolution with weights 1, 10 and bias 0.5. */
function rescaled(): Graph {
  const net = new Net();
  const x = net.input('x', [1, 1, 4, 1]);
  const shifted = net.add('shifted', net.mul('scaled', x, net.floats('two', [2])), net.floats('three', [3]));
  const inputs = [shifted, net.floats('kernel', [1, 10], [1, 1, 2, 1]), net.floats('bias', [0.5])];
  const conv = net.op('conv', 'CONV_2D', inputs, {
    type: 'Conv2DOptions',
    padding: paddings.VALID,
    strideW: 1,
    strideH: 1,
    dilationW: 1,
    dilationH: 1,
    activation: activations.NONE,
    quantizedBiasType: 0,
  });
  return net.graph(conv);
}

describe('foldScaling', () => {
  it('folds batch normalization into what comes before and after', () => {
    assertPrints(
      foldScaling(normalized()),
      `
          graph net (x:float32[1,8,8,2])
            conv/linear:float32[1,8,8,4] = CONV_2D(x, conv/linear/kernel:float32[4,3,3,2], conv/linear/bias:float32[4]) {dilationH=1 dilationW=1 strideH=1 strideW=1}
            conv:float32[1,8,8,4] = RELU6(conv/linear)
            depthwise:float32[1,8,8,8] = DEPTHWISE_CONV_2D(conv, depthwise/kernel:float32[1,3,3,8], depthwise/bias:float32[8]) {depthMultiplier=2 dilationH=1 dilationW=1 strideH=1 strideW=1}
            up:float32[1,16,16,3] = TRANSPOSE_CONV(up/shape:int32[4], up/kernel:float32[3,3,3,8], depthwise, up/bias:float32[3]) {strideH=2 strideW=2}
            plain:float32[1,7,7,4] = CONV_2D(up, plain/kernel:float32[4,3,3,3], plain/bias:float32[4]) {dilationH=1 dilationW=1 padding=1 strideH=2 strideW=2}
            relu:float32[1,7,7,4] = RELU(plain)
            pooled:float32[1,3,3,4] = MAX_POOL_2D(relu) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
            flat:float32[1,36] = RESHAPE(pooled, flat/shape:int32[2]) {newShape=1,36}
            out:float32[1,5] = FULLY_CONNECTED(flat, dense/kernel:float32[5,36], dense/bias:float32[5])
            return out
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(normalized(), foldScaling(normalized()), 1e-5));

  it('folds a factor and an offset of the input into weights and bias', () => {
    const after = foldScaling(rescaled());
    const constant = (name: string): readonly number[] => [
      ...(floatData(after.values.find((value) => value.name === name)) ?? []),
    ];
    assert.equal(kinds(after), 'CONV_2D');
    // conv(2x + 3) + 0.5 = 2 conv(x) + 3 * (1 + 10) + 0.5
    assert.deepEqual([constant('kernel'), constant('bias')], [[2, 20], [33.5]]);
  });

  const cases: readonly (readonly [string, (net: Net, x: number) => readonly number[], string])[] = [
    [
      'an offset before a padded convolution stays, with the factor before it',
      (net, x) => [net.conv('out', net.batchNorm('bn', x), 2, { padding: 'SAME' })],
      'MUL ADD CONV_2D',
    ],
    [
      'a factor before a padded convolution folds',
      (net, x) => [net.conv('out', net.mul('m', x, net.uniform('f', [2], -1, 1)), 2, { padding: 'SAME' })],
      'CONV_2D',
    ],
    [
      'an offset before a 1x1 convolution folds, whatever its padding says',
      (net, x) => [net.conv('out', net.batchNorm('bn', x), 2, { kernel: 1, padding: 'SAME' })],
      'CONV_2D',
    ],
    [
      'a factor passes PAD, an offset does not',
      (net, x) => [net.conv('out', net.pad('p', net.batchNorm('bn', x), [1, 1, 1, 1]), 2)],
      'MUL ADD PAD CONV_2D',
    ],
    [
      'a factor below 0 does not pass a ReLU',
      (net, x) => [net.mul('m', net.relu('r', net.conv('c', x, 2)), net.floats('f', [1, -1]))],
      'CONV_2D RELU MUL',
    ],
    [
      'a factor above 0 goes back through a ReLU',
      (net, x) => [net.mul('m', net.relu('r', net.conv('c', x, 2)), net.floats('f', [1, 3]))],
      'CONV_2D RELU',
    ],
    [
      'a factor below 0 does not pass a maximum',
      (net, x) => [net.mul('m', net.pool('p', 'MAX_POOL_2D', net.conv('c', x, 2)), net.floats('f', [1, -1]))],
      'CONV_2D MAX_POOL_2D MUL',
    ],
    [
      'an average lets any factor and offset back',
      (net, x) => [net.batchNorm('bn', net.mean('m', net.conv('c', x, 2)), -2)],
      'CONV_2D MEAN',
    ],
    [
      'all readers must take it',
      (net, x) => {
        const scaled = net.mul('m', x, net.uniform('f', [2], 1, 2));
        return [net.conv('a', scaled, 2), net.softmax('s', scaled)];
      },
      'MUL CONV_2D SOFTMAX',
    ],
    [
      'all readers take it',
      (net, x) => {
        const scaled = net.batchNorm('bn', x);
        return [net.conv('a', scaled, 2), net.depthwise('b', scaled), net.dense('c', net.flatten('f', scaled), 3)];
      },
      'CONV_2D DEPTHWISE_CONV_2D RESHAPE FULLY_CONNECTED',
    ],
    [
      'what else reads the convolution keeps it from folding back',
      (net, x) => {
        const conv = net.conv('c', x, 2);
        return [net.mul('m', conv, net.floats('f', [2])), net.relu('r', conv)];
      },
      'CONV_2D MUL RELU',
    ],
    [
      'weights that two layers share become two',
      (net, x) => {
        const first = net.conv('c', x, 2, { padding: 'SAME' });
        const again = net.graph(first).ops[0] ?? { inputs: [], options: null };
        const second = net.op('d', 'CONV_2D', [net.relu('r', first), ...again.inputs.slice(1)], again.options);
        return [net.mul('m', second, net.floats('f', [2, 5]))];
      },
      'CONV_2D RELU CONV_2D',
    ],
  ];
  for (const [name, make, expected] of cases) {
    it(name, async () => {
      const net = new Net(22);
      const graph = net.graph(...make(net, net.input('x', [1, 6, 6, 2])));
      const after = foldScaling(graph);
      assert.equal(kinds(after), expected);
      await assertSameFunction(graph, after, 1e-5);
    });
  }
});
