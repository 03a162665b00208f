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

/** Runs both models on the photos and compares all their outputs; null without photos. */
export async function compareModels(
  { float, int8, inputType, labels }: ComparedModels,
  { photos, size, pixels: range }: ObservedPhotos,
  ports: CompilePorts,
  warnings: string[],
): Promise<Comparison | null> {
  if (photos.length === 0) return null;
  return await withModel(ports.openModel(float), (floatRuns) =>
    withModel(ports.openModel(int8), async (int8Runs) => {
      const comparison = new Comparison(labels);
      let done = 0;
      for await (const { photo, pixels } of readable(photos, size, ports.signal, warnings)) {
        const reals = floatInput(pixels, range);
        const input = inputType === 'float32' ? reals : borderPixels(pixels, inputType);
        const expected = [...(await runAsReals(floatRuns, reals)).values()];
        const actual = [...(await runAsReals(int8Runs, input)).values()];
        const outputs = floatRuns.outputs.map(({ shape }, index) => ({
          float: expected[index] ?? new Float32Array(),
          int8: actual[index] ?? new Float32Array(),
          channels: shape.at(-1) ?? 1,
        }));
        comparison.add(photo.path, outputs, labelOf(photo, labels));
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
