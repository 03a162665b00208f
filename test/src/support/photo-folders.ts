import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rgbPng } from './png.js';

const colours: Readonly<Record<string, readonly [number, number, number]>> = {
  brick: [190, 70, 50],
  grass: [70, 170, 60],
  water: [60, 90, 190],
};

/** Fills `folder` with one folder a class of `perClass` small noisy photos each; which class is which is easy to see. */
export async function writePhotoFolders(
  folder: string,
  perClass: number,
  classes: readonly string[] = Object.keys(colours),
): Promise<void> {
  for (const name of classes) {
    await mkdir(join(folder, name), { recursive: true });
    for (let number = 0; number < perClass; number++)
      await writeFile(join(folder, name, `${String(number).padStart(3, '0')}.png`), photo(name, number));
  }
}

function photo(name: string, seed: number): Buffer {
  const [red, green, blue] = colours[name] ?? [128, 128, 128];
  // A linear congruential generator (Numerical Recipes): the same photos each time.
  let state = (seed + 1) * 2_654_435_761;
  const noise = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 90;
  };
  const held = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  return rgbPng(32, 32, () => {
    const shade = noise();
    return [held(red + shade + noise()), held(green + shade + noise()), held(blue + shade + noise())];
  });
}
