import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeightInputCollector, windowOf } from '../calibrate/weight-inputs.js';
import type { WeightInputs } from '../calibrate/weight-inputs.js';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { seededRandom } from '../test-models.js';
import { fitRow, fitWeights } from './fit-weights.js';
import { quantizeWeights } from './weights.js';

const outputs = 6;

/** A dense layer with random weights. */
function dense(inputs: number, seed: number): Graph {
  const random = seededRandom(seed);
  const builder = new GraphBuilder();
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);
  const x = builder.activation('x', [1, inputs]);
  const y = builder.activation('y', [1, outputs]);
  const operands = [
    x,
    builder.floats('kernel', [outputs, inputs], draw(outputs * inputs)),
    builder.floats('bias', [outputs], draw(outputs)),
  ];
  builder.op('FULLY_CONNECTED', operands, [y], {
    type: 'FullyConnectedOptions',
    activation: 0,
    weightsFormat: 0,
    keepNumDims: false,
    asymmetricQuantizeInputs: false,
    quantizedBiasType: 0,
  });
  return builder.build('g', [x], [y]);
}

/** Inputs that are alike from one column to the next, as those of a convolution. */
function smoothRows(inputs: number, count: number, seed: number): readonly Float32Array[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const [a, b] = [random(), random()];
    return Float32Array.from({ length: inputs }, (_, at) => Math.max(0, a + b * Math.sin(at / 9) + 0.05 * random()));
  });
}

function collected(graph: Graph, rows: readonly Float32Array[]): ReadonlyMap<string, WeightInputs> {
  const [op] = graph.ops;
  const found = op === undefined ? null : windowOf(graph, op);
  assert.ok(found !== null);
  const collector = new WeightInputCollector(found.window, rows.length, seededRandom(1));
  for (const row of rows) collector.observe(row);
  return new Map([['y', collector.inputs()]]);
}

const dataOf = (graph: Graph, name: string): Float32Array =>
  floatData(graph.values.find((value) => value.name === name)) ?? new Float32Array();

/** Mean squared difference of the layer's outputs on the rows, with the weights as int8 has them. */
function outputError(graph: Graph, other: Graph, rows: readonly Float32Array[]): number {
  const apply = (one: Graph, rounded: boolean, x: Float32Array): Float32Array => {
    const [kernel, bias] = [dataOf(one, 'kernel'), dataOf(one, 'bias')];
    const quantized = quantizeWeights(kernel, [outputs, x.length], bias, null, 0.01);
    const weights = rounded
      ? Float32Array.from(quantized.weights, (q) => q * (quantized.weightParams.scale[0] ?? 1))
      : kernel;
    return bias.map((start, row) =>
      x.reduce((sum, value, at) => sum + value * (weights[row * x.length + at] ?? 0), start),
    );
  };
  let sum = 0;
  for (const row of rows) {
    const wanted = apply(graph, false, row);
    apply(other, true, row).forEach((value, at) => (sum += (value - (wanted[at] ?? 0)) ** 2));
  }
  return sum / rows.length / outputs;
}

describe('fitWeights', () => {
  // 60 columns have a covariance, 1,500 are kept as rows.
  for (const inputs of [60, 1500]) {
    it(`errs a fifth of plain rounding at most on other rows, over ${inputs} columns`, () => {
      for (const seed of [1, 2, 3]) {
        const graph = dense(inputs, seed);
        const fitted = verify(fitWeights(graph, collected(graph, smoothRows(inputs, 200, seed + 10))), 'fit');
        const others = smoothRows(inputs, 100, seed + 20);
        const [plain, better] = [outputError(graph, graph, others), outputError(graph, fitted, others)];
        assert.ok(better <= plain / 5, `seed ${seed}: ${better} of ${plain}`);
      }
    });
  }

  it('gives weights that rounding leaves where they are', () => {
    const graph = dense(60, 4);
    const fitted = fitWeights(graph, collected(graph, smoothRows(60, 200, 5)));
    const kernel = dataOf(fitted, 'kernel');
    const { weights, weightParams } = quantizeWeights(kernel, [outputs, 60], dataOf(fitted, 'bias'), null, 0.01);
    const [scale = 1] = weightParams.scale;
    kernel.forEach((weight, at) => assert.ok(Math.abs(weight - scale * (weights[at] ?? 0)) < 1e-6 * scale * 127));
    assert.equal(Math.max(...weights.map(Math.abs)), 127);
  });

  it('leaves layers alone whose inputs were not collected', () => {
    const graph = dense(60, 6);
    assert.deepEqual(fitWeights(graph, new Map()).values, graph.values);
  });
});

describe('fitRow', () => {
  it('rounds to the nearest step where inputs have nothing in common', () => {
    const matrix = new Float32Array(16);
    for (let at = 0; at < 4; at++) matrix[at * 5] = 1;
    const block = { means: new Float64Array(4), spread: { kind: 'covariance', matrix } } as const;
    assert.deepEqual([...fitRow(Float64Array.of(1.4, -3.6, 127, 0.2), block)], [1, -4, 127, 0]);
  });

  it('takes the error of one weight back with the next where inputs are the same', () => {
    const block = {
      means: new Float64Array(2),
      spread: { kind: 'covariance', matrix: Float32Array.of(1, 1, 1, 1) },
    } as const;
    const [a = 0, b = 0] = fitRow(Float64Array.of(10.4, 20.4), block);
    assert.equal(a + b, 31);
  });
});

describe('WeightInputCollector', () => {
  it('gives a padded convolution zeros beyond the border, and each channel of a depthwise one a block', () => {
    const window = {
      height: 2,
      width: 2,
      channels: 2,
      kernelH: 3,
      kernelW: 3,
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      padH: 1,
      padW: 1,
      outH: 1,
      outW: 1,
      depthwise: true,
    };
    const collector = new WeightInputCollector(window, 1, seededRandom(1));
    collector.observe(Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40));
    const { columns, blocks } = collector.inputs();
    assert.equal(columns, 9);
    assert.deepEqual(
      blocks.map(({ means }) => [...means]),
      [
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
        [0, 0, 0, 0, 10, 20, 0, 30, 40],
      ],
    );
  });
});
