import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { centreLogits } from '../passes/centre-logits.js';
import { seededRandom } from '../test-models.js';
import { correctBias } from './correct-bias.js';
import { bestLogitRange, softmax } from './logit-range.js';
import { fixedParams } from './params.js';
import { quantizeWeights } from './weights.js';

const inputs = 40;
const classes = 3;

/** A dense layer with random weights, then a softmax. */
function denseSoftmax(seed: number): Graph {
  const random = seededRandom(seed);
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, inputs]);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.2);
  const kernel = builder.floats('kernel', [classes, inputs], draw(classes * inputs));
  const bias = builder.floats('bias', [classes], draw(classes));
  const logits = builder.activation('logits', [1, classes]);
  builder.op('FULLY_CONNECTED', [x, kernel, bias], [logits], {
    type: 'FullyConnectedOptions',
    activation: 0,
    weightsFormat: 0,
    keepNumDims: false,
    asymmetricQuantizeInputs: false,
    quantizedBiasType: 0,
  });
  const y = builder.activation('y', [1, classes]);
  builder.op('SOFTMAX', [logits], [y], { type: 'SoftmaxOptions', beta: 1 });
  return builder.build('g', [x], [y]);
}

const dataOf = (graph: Graph, name: string): Float32Array =>
  floatData(graph.values.find((value) => value.name === name)) ?? new Float32Array();

function logitsOf(graph: Graph, x: Float32Array): Float32Array {
  const [kernel, bias] = [dataOf(graph, 'kernel'), dataOf(graph, 'bias')];
  return bias.map((start, row) => x.reduce((sum, value, at) => sum + value * (kernel[row * inputs + at] ?? 0), start));
}

describe('centreLogits', () => {
  it('keeps the probabilities and takes the mean out of the logits', () => {
    const graph = denseSoftmax(1);
    const centred = verify(centreLogits(graph), 'centre');
    const random = seededRandom(2);
    const x = Float32Array.from({ length: inputs }, () => random());
    const [before, after] = [logitsOf(graph, x), logitsOf(centred, x)];
    assert.ok(Math.abs(after.reduce((a, b) => a + b, 0)) < 1e-5);
    assert.ok(Math.abs(before.reduce((a, b) => a + b, 0)) > 1);
    softmax(before).forEach((value, at) => assert.ok(Math.abs(value - (softmax(after)[at] ?? 0)) < 1e-5));
  });

  it('leaves logits alone that the model gives out', () => {
    const graph = denseSoftmax(1);
    assert.deepEqual(
      centreLogits({ ...graph, outputs: [...graph.outputs, graph.ops[0]?.outputs[0] ?? -1] }).values,
      graph.values,
    );
  });
});

describe('bestLogitRange', () => {
  it('cuts off ends that no probability depends on', () => {
    const random = seededRandom(3);
    const rows = Array.from({ length: 50 }, () => Float32Array.of(random(), random(), -20));
    const range = bestLogitRange(rows, { min: -20, max: 1 });
    assert.ok(range.min >= -13 && range.min <= -3.9 && range.max <= 1, JSON.stringify(range));
  });

  it('keeps ends that probabilities depend on', () => {
    const rows = Array.from({ length: 50 }, (_, index) => Float32Array.of((index % 10) / 5, 0, (index % 7) / 4));
    const range = bestLogitRange(rows, { min: 0, max: 1.8 });
    assert.ok(range.max > 1.6, JSON.stringify(range));
  });
});

describe('correctBias', () => {
  it('takes back the mean error of rounded weights', () => {
    const graph = denseSoftmax(4);
    const random = seededRandom(5);
    const means = Float64Array.from({ length: inputs }, () => 0.5 + random());
    const scale = Math.fround(0.01);
    const assigned = new Map([[0, fixedParams(scale, -128)]]);
    const corrected = correctBias(graph, assigned, new Map([['x', means]]));
    const kernel = dataOf(graph, 'kernel');
    const { weights, weightParams } = quantizeWeights(kernel, [classes, inputs], dataOf(graph, 'bias'), null, scale);
    const rounded = Float32Array.from(weights, (q) => q * (weightParams.scale[0] ?? 1));
    const mean = (row: Float32Array, bias: Float32Array): readonly number[] =>
      [...bias].map((start, channel) =>
        means.reduce((sum, value, at) => sum + value * (row[channel * inputs + at] ?? 0), start),
      );
    const wanted = mean(kernel, dataOf(graph, 'bias'));
    const plain = mean(rounded, dataOf(graph, 'bias'));
    const fixed = mean(rounded, dataOf(corrected, 'bias'));
    wanted.forEach((value, channel) => {
      assert.ok(Math.abs((fixed[channel] ?? 0) - value) < 1e-4, `${fixed[channel]} for ${value}`);
      assert.ok(Math.abs((plain[channel] ?? 0) - value) > 1e-3, `${plain[channel]} for ${value}`);
    });
  });

  it('takes the means of its own input channels for each group of a convolution', () => {
    const builder = new GraphBuilder();
    const x = builder.activation('x', [1, 1, 1, 2]);
    const y = builder.activation('y', [1, 1, 1, 2]);
    // The last weight of each filter is off its step by -0.3 steps of 1.
    const kernel = builder.floats('kernel', [2, 1, 2, 1], Float32Array.of(127, 5.3, 127, 5.3));
    const bias = builder.floats('bias', [2], new Float32Array(2));
    const options = { type: 'Conv2DOptions', padding: 1, strideH: 1, strideW: 1, dilationH: 1, dilationW: 1 } as const;
    builder.op('CONV_2D', [x, kernel, bias], [y], { ...options, activation: 0, quantizedBiasType: 0 });
    const means = new Map([['x', Float64Array.of(10, 100)]]);
    const corrected = correctBias(builder.build('grouped', [x], [y]), new Map([[x, fixedParams(1, 0)]]), means);
    const [first = 0, second = 0] = dataOf(corrected, 'bias');
    assert.ok(Math.abs(first - 3) < 1e-3 && Math.abs(second - 30) < 1e-2, `${first} ${second}`);
  });
});
