import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openWasm } from '@atoll/runtime/wasm';
import { writeModel } from '@atoll/tflite/write';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { writeTfLite } from '../write/write-tflite.js';
import { plainNearestResize } from './nearest-resize.js';

function resize(from: readonly [number, number], to: readonly [number, number]): Graph {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, ...from, 1]);
  const y = builder.activation('y', [1, ...to, 1]);
  builder.op('RESIZE_NEAREST_NEIGHBOR', [x, builder.ints('size', [2], to)], [y], {
    type: 'ResizeNearestNeighborOptions',
    alignCorners: false,
    halfPixelCenters: true,
  });
  return verify(builder.build('g', [x], [y]), 'test');
}

const isPlain = (graph: Graph): boolean => {
  const options = graph.ops[0]?.options;
  return options?.type === 'ResizeNearestNeighborOptions' && !options.halfPixelCenters;
};

async function answer(graph: Graph, count: number): Promise<Uint8Array | undefined> {
  const model = await openWasm(writeModel(writeTfLite(graph)));
  const [output] = await model.run([new Uint8Array(Float32Array.from({ length: count }, (_, at) => at).buffer)]);
  await model.close();
  return output;
}

describe('plainNearestResize', () => {
  for (const [from, to] of [
    [
      [8, 8],
      [16, 16],
    ],
    [
      [7, 5],
      [21, 50],
    ],
    [
      [13, 9],
      [13 * 7, 9 * 11],
    ],
  ] as const) {
    it(`takes half-pixel centres out of ${from.join('x')} to ${to.join('x')}, and the same pixels come out`, async () => {
      const given = resize(from, to);
      const made = verify(plainNearestResize(given), 'import');
      assert.ok(isPlain(made));
      assert.deepEqual(await answer(made, from[0] * from[1]), await answer(given, from[0] * from[1]));
    });
  }

  for (const [from, to] of [
    [
      [8, 8],
      [12, 16],
    ],
    [
      [8, 8],
      [4, 4],
    ],
  ] as const) {
    it(`leaves ${from.join('x')} to ${to.join('x')}, where other pixels would come out`, () => {
      assert.ok(!isPlain(plainNearestResize(resize(from, to))));
    });
  }
});
