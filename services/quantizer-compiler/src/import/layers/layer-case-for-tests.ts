import assert from 'node:assert/strict';
import { it } from 'node:test';
import { importLayer, runGraph } from './layer-for-tests.js';
import type { TestWeights } from './layer-for-tests.js';

/** Class, settings, input shapes, inputs, weights, and what comes out. */
export type LayerCase = readonly [
  className: string,
  config: object,
  shapes: readonly (readonly number[])[],
  inputs: readonly (readonly number[])[],
  weights: TestWeights,
  shape: string,
  values: readonly number[],
];

/** A 2 by 2 picture of one channel. */
export const square = [2, 2, 1];

/** Its values. */
export const x4 = [1, 2, 3, 4];

/** 1 / (1 + exp(-x)). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One LSTM unit over one value. */
export const lstmWeights: TestWeights = {
  kernel: [
    [1, 4],
    [0.5, 0.25, 1, -0.5],
  ],
  recurrent_kernel: [
    [1, 4],
    [0.1, 0.2, 0.3, 0.4],
  ],
  bias: [[4], [0.1, 1, 0, 0.2]],
};

/** One test a case: the imported layer gives these values, within 1e-5. */
export function itGives(cases: readonly LayerCase[]): void {
  for (const [className, config, inputShapes, inputs, weights, shape, values] of cases) {
    it(`${className} ${JSON.stringify(config)} of ${JSON.stringify(inputShapes)}`, async () => {
      const graph = await importLayer({ className, config, shapes: inputShapes, weights });
      const found = await runGraph(graph, inputs);
      assert.equal(found.shape.join(), shape);
      assert.equal(found.values.length, values.length);
      for (const [index, value] of found.values.entries()) {
        const expected = values[index] ?? NaN;
        assert.ok(
          Math.abs(value - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
          `${String(found.values)} is not ${String(values)}`,
        );
      }
    });
  }
}
