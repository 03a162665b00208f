import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { seededRandom } from '../test-models.js';
import { channelPeaksOf } from './channel-peaks-for-tests.js';
import { assertSameFunction } from './compare-for-tests.js';
import { equalize, equalizeWeights } from './equalize.js';
import { columnStats } from './expected-error.js';
import { Net } from './net-for-tests.js';
import { passes } from './passes.js';
import { randomNet } from './random-net-for-tests.js';
import { outputPeaks, weightedOf } from './weighted.js';

/** A network as the passes leave it, with weights of a row multiplied by something in 1/8..8: channels of unlike size. */
function unlikeNet(seed: number): Graph {
  const graph = passes.reduce((before, { run }) => run(before), randomNet(seed));
  const random = seededRandom(seed);
  const values = [...graph.values];
  for (const op of graph.ops) {
    const weighted = weightedOf(graph, op);
    if (weighted === null) continue;
    const factors = Array.from({ length: weighted.outChannels }, () => 8 ** (2 * random() - 1));
    const inner = weighted.depthwise ? 1 : weighted.kernel.length / weighted.outChannels;
    const kernel = weighted.kernel.map((one, at) => one * (factors[Math.floor(at / inner) % factors.length] ?? 1));
    values[weighted.weights] = { ...valueAt(graph, weighted.weights), data: kernel };
  }
  return { ...graph, values };
}

/** Peaks from nowhere: the function must not depend on them. */
function randomPeaks(graph: Graph, seed: number): ReadonlyMap<string, Float64Array> {
  const random = seededRandom(seed);
  return new Map(
    graph.values.map(({ name, shape }) => [
      name,
      Float64Array.from({ length: shape.at(-1) ?? 1 }, () => (random() < 0.1 ? 0 : 10 ** (4 * random() - 2))),
    ]),
  );
}

function denseNet(middle: 'RELU' | 'RELU6'): Graph {
  const net = new Net(51);
  const first = net.dense('first', net.input('x', [1, 8]), 6, middle);
  return net.graph(net.dense('second', first, 4));
}

/** A graph whose operation at `place` has its rows of weights multiplied. */
function withRows(graph: Graph, place: number, factors: readonly number[]): Graph {
  const op = graph.ops[place];
  const weighted = op === undefined ? null : weightedOf(graph, op);
  assert.ok(weighted);
  const inner = weighted.kernel.length / weighted.outChannels;
  const data = weighted.kernel.map((one, at) => one * (factors[Math.floor(at / inner)] ?? 1));
  return { ...graph, values: graph.values.with(weighted.weights, { ...valueAt(graph, weighted.weights), data }) };
}

const spread = (peaks: Float64Array): number => Math.max(...peaks) / Math.min(...peaks);

describe('equalize', () => {
  for (let seed = 1; seed <= 25; seed++) {
    it(`random network ${seed}: the float function stays, whatever the peaks`, async () => {
      const graph = unlikeNet(seed);
      for (const strength of [0.5, 1]) {
        const after = equalizeWeights(equalize(graph, randomPeaks(graph, seed), strength), strength);
        assert.equal(printGraph(after), printGraph(graph));
        await assertSameFunction(graph, after, 1e-4, [seed]);
      }
    });
  }

  it('lifts the channels between convolutions to one peak, half way at half the strength', async () => {
    const net = new Net(52);
    const first = net.conv('first', net.input('x', [1, 8, 8, 2]), 6, { activation: 'RELU' });
    const pooled = net.pool('pooled', 'MAX_POOL_2D', first);
    const second = net.depthwise('second', pooled, { padding: 'SAME' });
    const flat = net.flatten('flat', net.conv('third', second, 4));
    const graph = withRows(net.graph(net.dense('out', flat, 3)), 0, [1, 0.5, 0.3, 2, 0.3, 1]);
    const peaks = await channelPeaksOf(graph, 20);
    const before = spread(peaks.get('first') ?? new Float64Array());
    assert.ok(before > 4 && before < 32, `${before}`);
    const half = spread((await channelPeaksOf(equalize(graph, peaks, 0.5), 20)).get('first') ?? new Float64Array());
    assert.ok(half < 1.01 * Math.sqrt(before), `${half} of ${before}`);
    const after = equalize(graph, peaks, 1);
    const peaksAfter = await channelPeaksOf(after, 20);
    assert.ok(spread(peaksAfter.get('first') ?? new Float64Array()) < 1.01);
    await assertSameFunction(graph, after, 1e-5);
  });

  it('changes nothing with strength 0, without peaks, before an output or around RELU6', () => {
    const graph = withRows(denseNet('RELU'), 0, [1, 0.1, 0.1, 1, 2, 1]);
    const peaks = randomPeaks(graph, 1);
    assert.equal(equalize(graph, peaks, 0), graph);
    assert.equal(equalize(graph, new Map(), 1), graph);
    const bounded = withRows(denseNet('RELU6'), 0, [1, 0.1, 0.1, 1, 2, 1]);
    assert.equal(equalize(bounded, peaks, 1), bounded);
    assert.equal(equalizeWeights(bounded, 1), bounded);
    const seen = { ...graph, outputs: [...graph.outputs, ...(graph.ops[0]?.outputs ?? [])] };
    assert.equal(equalize(seen, peaks, 1), seen);
  });

  it('does not lift a dead channel, and none by more than 32', () => {
    const net = new Net(53);
    const first = net.conv('first', net.input('x', [1, 4, 4, 1]), 4, { activation: 'RELU' });
    const graph = net.graph(net.depthwise('second', first, { kernel: 1 }));
    const peaks = new Map([['first', Float64Array.of(1000, 0, 1, 500)]]);
    const after = equalize(graph, peaks, 1);
    const rows = (one: Graph): Float32Array =>
      floatData(one.values.find(({ name }) => name === 'first/bias')) ?? new Float32Array();
    const factors = [...rows(after)].map(
      (bias, channel) => Math.round((1000 * bias) / (rows(graph)[channel] ?? 1)) / 1000,
    );
    assert.deepEqual(factors, [1, 1, 32, 2]);
  });

  it('leaves a dense layer with one scale where its weights would lose more than its input gains', () => {
    const graph = denseNet('RELU');
    const [first, second] = graph.ops.map((op) => weightedOf(graph, op));
    assert.ok(first && second);
    // Small channels with weights as small as theirs: they are not worth a finer step.
    const columns = [1, 1e-3, 1e-3, 1, 1, 1];
    const data = second.kernel.map((one, at) => one * (columns[at % 6] ?? 1));
    const unworthy = {
      ...graph,
      values: graph.values.with(second.weights, { ...valueAt(graph, second.weights), data }),
    };
    const peaks = new Map([['first', Float64Array.of(1, 0.01, 0.01, 1, 1, 1)]]);
    const kernel = floatData(equalize(unworthy, peaks, 1).values[second.weights]) ?? new Float32Array();
    const changed = kernel.findIndex((one, at) => at % 6 === 0 && Math.abs(one / (data[at] ?? 1) - 1) > 0.5);
    assert.equal(changed, -1);
  });
});

describe('equalizeWeights', () => {
  it('brings rows of one dense layer and columns of the next to the same range', async () => {
    const graph = withRows(denseNet('RELU'), 0, [1, 0.1, 0.1, 1, 8, 1]);
    const after = equalizeWeights(graph, 1);
    const [first, second] = after.ops.map((op) => weightedOf(after, op));
    assert.ok(first && second);
    const columns = columnStats(second).peaks;
    outputPeaks(first).forEach((row, channel) => {
      assert.ok(Math.abs(row / (columns[channel] ?? 0) - 1) < 1e-5, `${row} ${columns[channel]}`);
    });
    await assertSameFunction(graph, after, 1e-5);
  });
});
