import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { writeModel } from '@atoll/tflite/write';
import { observeAll } from '../calibrate/observed-model.js';
import { elementCount, valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';

/** Greatest magnitude of every channel of every activation over runs of random inputs in [-1, 1). */
export async function channelPeaksOf(graph: Graph, runs: number): Promise<ReadonlyMap<string, Float64Array>> {
  const observed = observeAll(graph, false).graph;
  const model = await openModel(writeModel(writeTfLite(observed)), {
    backend: 'auto',
    libraries: cachePaths(process.env),
  });
  const peaks = observed.outputs.map((index) => new Float64Array(valueAt(observed, index).shape.at(-1) ?? 1));
  try {
    for (let run = 0; run < runs; run++) {
      const random = seededRandom(1000 + run);
      const inputs = graph.inputs.map((index) =>
        Float32Array.from({ length: elementCount(valueAt(graph, index).shape) }, () => 2 * random() - 1),
      );
      const outputs = await model.run(inputs.map((input) => new Uint8Array(input.buffer)));
      outputs.forEach((bytes, output) => {
        const channels = peaks[output] ?? new Float64Array(1);
        new Float32Array(Uint8Array.from(bytes).buffer).forEach((value, at) => {
          const channel = at % channels.length;
          channels[channel] = Math.max(channels[channel] ?? 0, Math.abs(value));
        });
      });
    }
  } finally {
    await model.close();
  }
  return new Map(
    observed.outputs.map((index, output) => [valueAt(graph, index).name, peaks[output] ?? new Float64Array()]),
  );
}
