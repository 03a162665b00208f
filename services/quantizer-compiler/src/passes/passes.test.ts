import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import type { Padding } from '@atoll/tflite/enums';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { addBias } from './add-bias.js';
import { foldScaling } from './fold-scaling.js';
import { fuseActivations } from './fuse-activation.js';

const plain = { activation: activations.NONE };

/** x * 2 + 3, then a 1x2 convolution with weights 1, 10 and bias 0.5, then RELU6. */
function scaledConv(padding: Padding, readTwice = false): Graph {
  const builder = new GraphBuilder();
  const input = builder.activation('x', [1, 1, 4, 1]);
  const scaled = builder.activation('scaled', [1, 1, 4, 1]);
  builder.op('MUL', [input, builder.floats('two', [1], Float32Array.of(2))], [scaled], {
    type: 'MulOptions',
    ...plain,
  });
  const shifted = builder.activation('shifted', [1, 1, 4, 1]);
  builder.op('ADD', [scaled, builder.floats('three', [1], Float32Array.of(3))], [shifted], {
    type: 'AddOptions',
    ...plain,
    potScaleInt16: true,
  });
  const kernel = builder.floats('kernel', [1, 1, 2, 1], Float32Array.of(1, 10));
  const bias = builder.floats('bias', [1], Float32Array.of(0.5));
  const size = padding === 'SAME' ? 4 : 3;
  const conv = builder.activation('conv', [1, 1, size, 1]);
  builder.op('CONV_2D', [shifted, kernel, bias], [conv], {
    type: 'Conv2DOptions',
    padding: paddings[padding],
    strideW: 1,
    strideH: 1,
    dilationW: 1,
    dilationH: 1,
    ...plain,
    quantizedBiasType: 0,
  });
  const out = builder.activation('out', [1, 1, size, 1]);
  builder.op('RELU6', [conv], [out], null);
  return builder.build('g', [input], readTwice ? [out, conv] : [out]);
}

const kinds = (graph: Graph): string => graph.ops.map(({ kind }) => kind).join(' ');
const constant = (graph: Graph, name: string): readonly number[] => [
  ...(floatData(graph.values.find((value) => value.name === name)) ?? []),
];

describe('foldScaling', () => {
  it('folds a factor and an offset into weights and bias', () => {
    const folded = verify(foldScaling(scaledConv('VALID')), 'fold');
    assert.equal(kinds(folded), 'CONV_2D RELU6');
    // conv(2x + 3) + 0.5 = 2 conv(x) + 3 * (1 + 10) + 0.5
    assert.deepEqual([constant(folded, 'kernel'), constant(folded, 'bias')], [[2, 20], [33.5]]);
    assert.equal(
      folded.values.some(({ name }) => name === 'two'),
      false,
    );
  });

  it('leaves an offset before a padded convolution', () => {
    assert.equal(kinds(foldScaling(scaledConv('SAME'))), 'MUL ADD CONV_2D RELU6');
  });
});

describe('fuseActivations', () => {
  it('moves RELU6 into the convolution before it', () => {
    const fused = verify(fuseActivations(scaledConv('VALID')), 'fuse');
    assert.equal(kinds(fused), 'MUL ADD CONV_2D');
    const { options } = fused.ops[2] ?? { options: null };
    assert.equal(options?.type === 'Conv2DOptions' ? options.activation : -1, activations.RELU6);
    assert.equal(fused.values[fused.outputs[0] ?? -1]?.name, 'out');
  });

  it('leaves it where its input is read elsewhere too', () => {
    assert.equal(kinds(fuseActivations(scaledConv('VALID', true))), 'MUL ADD CONV_2D RELU6');
  });
});

describe('addBias', () => {
  it('adds zeros where there is no bias, and nothing else', () => {
    const graph = scaledConv('VALID');
    const without = {
      ...graph,
      ops: graph.ops.map((op) => (op.kind === 'CONV_2D' ? { ...op, inputs: op.inputs.slice(0, 2) } : op)),
    };
    const added = verify(addBias(without), 'bias');
    assert.equal(added.ops[2]?.inputs.length, 3);
    assert.deepEqual(constant(added, 'conv/zero_bias'), [0]);
    assert.deepEqual(addBias(graph).ops, graph.ops);
  });
});
