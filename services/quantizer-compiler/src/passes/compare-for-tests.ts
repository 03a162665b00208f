import assert from 'node:assert/strict';
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { writeModel } from '@atoll/tflite/write';
import { elementCount, valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';

/** What a graph gives for random inputs in [-1, 1), run by run, output by output. */
async function outputsOf(graph: Graph, seeds: readonly number[]): Promise<readonly Float32Array[]> {
  const model = await openModel(writeModel(writeTfLite(graph)), {
    backend: 'auto',
    libraries: cachePaths(process.env),
  });
  try {
    const outputs: Float32Array[] = [];
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const inputs = graph.inputs.map((index) =>
        Float32Array.from({ length: elementCount(valueAt(graph, index).shape) }, () => 2 * random() - 1),
      );
      const bytes = await model.run(inputs.map((input) => new Uint8Array(input.buffer)));
      outputs.push(...bytes.map((one) => new Float32Array(Uint8Array.from(one).buffer)));
    }
    return outputs;
  } finally {
    await model.close();
  }
}

/** Both graphs give the same for random inputs: each element within `tolerance` of the output's greatest magnitude. */
export async function assertSameFunction(
  before: Graph,
  after: Graph,
  tolerance: number,
  seeds: readonly number[] = [1, 2, 3],
): Promise<void> {
  verify(after, 'test');
  const expected = await outputsOf(before, seeds);
  const actual = await outputsOf(after, seeds);
  assert.equal(actual.length, expected.length);
  assert.ok(
    expected.some((output) => output.some((value) => value !== 0)),
    'all outputs are 0',
  );
  expected.forEach((wanted, run) => {
    const given = actual[run] ?? new Float32Array();
    assert.equal(given.length, wanted.length);
    const peak = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - (given[at] ?? Number.NaN))), 0);
    assert.ok(
      worst <= tolerance * peak,
      `run ${run}: off by ${worst} of ${peak}\n${printGraph(before)}${printGraph(after)}`,
    );
  });
}

/** The printed graph is the text, whose indentation does not count. */
export function assertPrints(graph: Graph, expected: string): void {
  const lines = (text: string): string =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('\n');
  assert.equal(lines(printGraph(graph)), lines(expected));
}
