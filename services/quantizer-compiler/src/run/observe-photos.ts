import { writeModel } from '@atoll/tflite/write';
import { runAsReals, withModel } from './run-model.js';
import type { Graph } from '../graph/graph.js';
import { floatInput, pixelsOf } from '../photo.js';
import type { Photo, PhotoSize } from '../photo.js';
import type { PixelRange } from '../quantize/params.js';
import { seededRandom } from '../calibrate/seeded-random.js';
import type { CompilePorts } from '../stages.js';
import { writeTfLite } from '../write/write-tflite.js';
import { calibrate } from '../calibrate/calibrate.js';
import type { Calibration } from '../calibrate/calibrate.js';
import { observeAll } from '../calibrate/observed-model.js';

/** The photos of a calibration and what becomes of their pixels. */
export interface ObservedPhotos {
  readonly photos: readonly Photo[];
  readonly size: PhotoSize;
  readonly pixels: PixelRange;
}

/** Runs the float model with every activation as an output on the photos; `withReaders` also observes what weights meet. */
export async function observePhotos(
  graph: Graph,
  { photos, size, pixels }: ObservedPhotos,
  withReaders: boolean,
  ports: CompilePorts,
  warnings: string[],
): Promise<Calibration> {
  const total = photos.length;
  ports.onStage('calibrate', 0, total);
  const observed = observeAll(graph, withReaders);
  const outputs = observed.values.slice(graph.inputs.length);
  return await withModel(ports.openModel(writeModel(writeTfLite(observed.graph))), (model) =>
    calibrate(
      observed.values,
      async (input) => {
        const reals = await runAsReals(model, input);
        return [new Float32Array(input.buffer), ...outputs.map(({ name }) => reals.get(name) ?? new Float32Array())];
      },
      pixelsOf(photos, size, ports.signal, (bytes) => floatInput(bytes, pixels), warnings),
      total,
      seededRandom(1),
      (done) => ports.onStage('calibrate', done, total),
      ports.signal,
    ),
  );
}
