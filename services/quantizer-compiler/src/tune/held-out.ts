// Photos that were not calibrated on, and what the float model says of them: what candidates are judged by. Both are kept in
// memory, so that a candidate costs no decoding; as many photos are taken as fit.
import { writeModel } from '@atoll/tflite/write';
import { runAsReals, withModel } from '../run/run-model.js';
import type { ObservedPhotos } from '../run/observe-photos.js';
import { floatInput, readable } from '../photo.js';
import type { CompilePorts } from '../stages.js';
import { writeTfLite } from '../write/write-tflite.js';
import type { JudgedGraph } from './judged-graph.js';

/** One photo: its pixels, and the float model's judged outputs in order. */
export interface HeldOutPhoto {
  readonly pixels: Uint8Array;
  readonly outputs: readonly Float32Array[];
}

const maxKeptBytes = 96 * 1024 * 1024;

/** Runs the float model on the photos. */
export async function heldOutPhotos(
  { graph, outputs }: JudgedGraph,
  { photos, size, pixels }: ObservedPhotos,
  ports: CompilePorts,
): Promise<readonly HeldOutPhoto[]> {
  const kept: HeldOutPhoto[] = [];
  let keptBytes = 0;
  await withModel(ports.openModel(writeModel(writeTfLite(graph))), async (model) => {
    for await (const photo of readable(photos, size, ports.signal, [])) {
      const reals = await runAsReals(model, floatInput(photo.pixels, pixels));
      const one = { pixels: photo.pixels, outputs: outputs.map(({ name }) => reals.get(name) ?? new Float32Array()) };
      keptBytes += one.outputs.reduce((sum, output) => sum + output.byteLength, one.pixels.byteLength);
      if (keptBytes > maxKeptBytes && kept.length > 0) return;
      kept.push(one);
    }
  });
  return kept;
}
