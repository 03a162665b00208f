import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations } from '@atoll/tflite/enums';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { flattenOpenBatch } from '../graph/open-batch-for-tests.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { halfToFloat } from './evaluate/half.js';
import { foldConstants } from './fold-constants.js';
import { Net } from './net-for-tests.js';

function openBatch(): Graph {
  const net = new Net();
  return net.graph(flattenOpenBatch(net.builder, net.input('x', [1, 3, 3, 2]), 'target'));
}

/** The constant that an operation makes of constants, in a graph that adds it to its input. */
function folded(make: (net: Net) => number): readonly number[] {
  const net = new Net();
  const made = make(net);
  const graph = net.graph(net.add('out', net.input('x', net.shape(made)), made));
  const after = foldConstants(graph);
  assert.deepEqual(
    after.ops.map(({ kind }) => kind),
    ['ADD'],
  );
  return [...(floatData(after.values[after.ops[0]?.inputs[1] ?? -1]) ?? [])];
}

describe('foldConstants', () => {
  it('computes the shapes of an export with an open batch', () => {
    assertPrints(
      openBatch(),
      `
          graph net (x:float32[1,3,3,2])
            shape:int32[4] = SHAPE(x) {outType=2}
            batch:int32[] = STRIDED_SLICE(shape, begin:int32[1], end:int32[1], step:int32[1]) {shrinkAxisMask=1}
            target:int32[2] = PACK(batch, rest:int32[]) {valuesCount=2}
            flat:float32[1,18] = RESHAPE(x, target) {newShape=}
            return flat
      `,
    );
    assertPrints(
      foldConstants(openBatch()),
      `
          graph net (x:float32[1,3,3,2])
            flat:float32[1,18] = RESHAPE(x, target:int32[2]) {newShape=}
            return flat
      `,
    );
  });

  it('leaves the function as it was', async () => {
    const net = new Net();
    // Runtimes give no fixed size to what is reshaped by a computed shape.
    const fixed = net.graph(net.flatten('flat', net.input('x', [1, 3, 3, 2])));
    await assertSameFunction(fixed, foldConstants(openBatch()), 0);
  });

  const six = [1, 2, 3, 4, 5, 6];
  const cases: readonly (readonly [string, (net: Net) => number, readonly number[]])[] = [
    ['TRANSPOSE', (net) => net.transpose('t', net.floats('c', six, [2, 3]), [1, 0]), [1, 4, 2, 5, 3, 6]],
    [
      'PAD',
      (net) =>
        net.op('p', 'PAD', [net.floats('c', [1, 2], [1, 2]), net.builder.ints('m', [2, 2], [1, 0, 0, 1])], {
          type: 'PadOptions',
        }),
      [0, 0, 0, 1, 2, 0],
    ],
    [
      'CONCATENATION',
      (net) =>
        net.op('j', 'CONCATENATION', [net.floats('a', [1, 2, 3, 4], [2, 2]), net.floats('b', [5, 6], [2, 1])], {
          type: 'ConcatenationOptions',
          axis: -1,
          activation: activations.NONE,
        }),
      [1, 2, 5, 3, 4, 6],
    ],
    [
      'GATHER',
      (net) =>
        net.op('g', 'GATHER', [net.floats('c', six, [2, 3]), net.builder.ints('i', [2], [2, 0])], {
          type: 'GatherOptions',
          axis: 1,
          batchDims: 0,
        }),
      [3, 1, 6, 4],
    ],
    [
      'SLICE',
      (net) =>
        net.op(
          's',
          'SLICE',
          [net.floats('c', six, [2, 3]), net.builder.ints('b', [2], [0, 1]), net.builder.ints('n', [2], [2, -1])],
          { type: 'SliceOptions' },
        ),
      [2, 3, 5, 6],
    ],
    [
      'TILE',
      (net) =>
        net.op('t', 'TILE', [net.floats('c', [1, 2], [1, 2]), net.builder.ints('n', [2], [2, 2])], {
          type: 'TileOptions',
        }),
      [1, 2, 1, 2, 1, 2, 1, 2],
    ],
    [
      'MUL that broadcasts both ways',
      (net) => net.mul('m', net.floats('a', [1, 2], [2, 1]), net.floats('b', [10, 20, 30], [1, 3])),
      [10, 20, 30, 20, 40, 60],
    ],
    [
      'MEAN',
      (net) =>
        net.op('m', 'MEAN', [net.floats('c', six, [2, 3]), net.builder.ints('a', [1], [-1])], {
          type: 'ReducerOptions',
          keepDims: false,
        }),
      [2, 5],
    ],
    ['RSQRT', (net) => net.op('r', 'RSQRT', [net.floats('c', [4, 16])]), [0.5, 0.25]],
  ];
  for (const [name, make, expected] of cases) it(name, () => assert.deepEqual(folded(make), expected));

  it('halfToFloat reads every kind of half', () => {
    const bits = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0xfc00];
    const reals = [0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, -2, 65504, Number.NEGATIVE_INFINITY];
    assert.deepEqual(bits.map(halfToFloat), reals);
    assert.ok(Number.isNaN(halfToFloat(0x7e00)));
  });
});
