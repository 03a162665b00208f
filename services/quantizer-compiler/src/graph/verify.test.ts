import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import type { Graph, Value } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { verify } from './verify.js';

/** x -> CONV_2D -> RELU -> y. */
function sound(): Graph {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, 4, 4, 2]);
  const a = builder.activation('a', [1, 4, 4, 3]);
  const y = builder.activation('y', [1, 4, 4, 3]);
  const weights = builder.floats('w', [3, 1, 1, 2], new Float32Array(6));
  builder.op('CONV_2D', [x, weights, builder.floats('b', [3], new Float32Array(3))], [a], {
    type: 'Conv2DOptions',
    padding: paddings.SAME,
    strideW: 1,
    strideH: 1,
    activation: activations.NONE,
    dilationW: 1,
    dilationH: 1,
    quantizedBiasType: 0,
  });
  builder.op('RELU', [a], [y], null);
  return builder.build('g', [x], [y]);
}

function changed(name: string, partial: Partial<Value>): Graph {
  const graph = sound();
  return { ...graph, values: graph.values.map((value) => (value.name === name ? { ...value, ...partial } : value)) };
}

const cases: readonly (readonly [string, Graph, RegExp])[] = [
  ['a graph without outputs', { ...sound(), outputs: [] }, /it has no input or no output/],
  ['two values of one name', changed('y', { name: 'a' }), /two values are named a/],
  ['a size of 0', changed('y', { shape: [1, 0, 4, 3] }), /y has shape \[1, 0, 4, 3\]/],
  ['a constant of another length', changed('w', { data: new Float32Array(5) }), /w has 5 elements, not 6/],
  ['an output of another shape', changed('y', { shape: [1, 4, 4, 4] }), /RELU makes \[1, 4, 4, 3\], but y is/],
  [
    'a bias for other channels',
    changed('b', { shape: [2], data: new Float32Array(2) }),
    /has a bias b of \[2\] for 3 channels/,
  ],
  ['a mix of types', changed('y', { type: 'int32' }), /RELU of float32 uses y, which is int32/],
  [
    'a value that is read before it is made',
    { ...sound(), ops: sound().ops.toReversed() },
    /RELU reads a before it is made/,
  ],
  [
    'a value that is made twice',
    { ...sound(), ops: [...sound().ops, ...sound().ops.slice(1)] },
    /RELU makes y, which exists/,
  ],
  ['an index that leads nowhere', { ...sound(), outputs: [99] }, /output 99 does not exist/],
  ['a constant as an output', { ...sound(), outputs: [3] }, /output w is a constant/],
  [
    'a scale that float32 does not have',
    changed('y', { quantization: { scale: [0.1], zeroPoint: [0], dimension: 0 } }),
    /y has a scale that is not a positive float32/,
  ],
];

describe('verify', () => {
  it('lets a sound graph through', () => {
    assert.deepEqual(verify(sound(), 'import'), sound());
  });

  for (const [name, graph, message] of cases) {
    it(`refuses ${name}`, () => {
      assert.throws(() => verify(graph, 'import'), { code: 'INVALID_ARGUMENT', message });
      assert.throws(() => verify(graph, 'passes'), { code: 'INTERNAL', message });
    });
  }
});
