import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { assertSameFunction } from './compare-for-tests.js';
import { passes } from './passes.js';
import { randomNet } from './random-net-for-tests.js';

const seeds = Array.from({ length: 25 }, (_, seed) => seed + 1);

/** Runs all passes, checking the graph after each. */
function simplified(graph: Graph): Graph {
  return passes.reduce((before, { name, run }) => {
    const after = verify(run(before), name);
    // A zero bias, a subtraction spelled in two: nothing adds more than one operation for each.
    assert.ok(after.ops.length <= 2 * before.ops.length, `${name} makes ${after.ops.length} of ${before.ops.length}`);
    return after;
  }, graph);
}

describe('passes', () => {
  for (const seed of seeds) {
    it(`random network ${seed}: the same function, in no more operations, and nothing left to do`, async () => {
      const graph = randomNet(seed);
      const after = simplified(graph);
      assert.ok(after.ops.length <= graph.ops.length, printGraph(after));
      await assertSameFunction(graph, after, 1e-4, [seed, seed + 1]);
      assert.equal(printGraph(simplified(after)), printGraph(after));
    });
  }
});
