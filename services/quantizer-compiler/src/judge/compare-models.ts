import { runAsReals, withModel } from '../run/run-model.js';
import { floatInput, readable } from '../photo.js';
import type { Photo } from '../photo.js';
import type { BorderType } from '../quantize/borders.js';
import type { ObservedPhotos } from '../run/observe-photos.js';
import type { CompilePorts } from '../stages.js';
import { Comparison } from './comparison.js';

/** The models to compare, by their files, and what they take. */
export interface ComparedModels {
  readonly float: Uint8Array;
  readonly int8: Uint8Array;
  readonly inputType: BorderType;
  readonly labels: readonly string[];
}

/** Runs both models on the photos and compares their first outputs; null without photos. */
export async function compareModels(
  { float, int8, inputType, labels }: ComparedModels,
  { photos, size, pixels: range }: ObservedPhotos,
  ports: CompilePorts,
  warnings: string[],
): Promise<Comparison | null> {
  if (photos.length === 0) return null;
  return await withModel(ports.openModel(float), (floatRuns) =>
    withModel(ports.openModel(int8), async (int8Runs) => {
      const comparison = new Comparison(labels, floatRuns.outputs[0]?.shape.at(-1) ?? 1);
      let done = 0;
      for await (const { photo, pixels } of readable(photos, size, ports.signal, warnings)) {
        const reals = floatInput(pixels, range);
        const input = inputType === 'float32' ? reals : borderPixels(pixels, inputType);
        const [expected = new Float32Array()] = [...(await runAsReals(floatRuns, reals)).values()];
        const [actual = new Float32Array()] = [...(await runAsReals(int8Runs, input)).values()];
        comparison.add(photo.path, expected, actual, labelOf(photo, labels));
        ports.onStage('report', ++done, photos.length);
      }
      return comparison;
    }),
  );
}

function labelOf({ label }: Photo, labels: readonly string[]): number | null {
  const index = label === null ? -1 : labels.indexOf(label);
  return index === -1 ? null : index;
}

/** A pixel is its own uint8 value, and 128 less as int8: see inputParams. */
function borderPixels(pixels: Uint8Array, type: BorderType): Uint8Array {
  return type === 'int8' ? pixels.map((pixel) => pixel ^ 0x80) : pixels;
}
