import { dirname } from 'node:path';
import { pinned } from '@atoll/base/cache';
import { foundFile } from './found-file.js';
import type { Part } from './part.js';
import type { Wheel } from './sources.js';
import { wheelRecipe } from './wheel-recipe.js';

interface LiteRtWheel extends Wheel {
  readonly libraryBytes: number;
}

const common = { project: 'ai-edge-litert', version: pinned.liteRt, pythonVersion: '3.11' };

const wheels: Readonly<Record<string, LiteRtWheel>> = {
  'linux-x64': {
    ...common,
    platformTag: 'manylinux_2_27_x86_64',
    sha256: '1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23',
    sizeBytes: 21_778_233,
    libraryBytes: 8_039_424,
  },
  'linux-arm64': {
    ...common,
    platformTag: 'manylinux_2_27_aarch64',
    sha256: '853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae',
    sizeBytes: 14_379_387,
    libraryBytes: 5_991_672,
  },
};

/** The C library of LiteRT: the fastest way to run a .tflite on a CPU. */
export const liteRt: Part = {
  name: 'litert',
  title: `LiteRT ${pinned.liteRt}`,
  folder: (paths) => dirname(paths.liteRt),
  find: (machine) => foundFile(machine.paths.liteRt),
  recipes: (platform) => {
    const wheel = wheels[platform];
    if (wheel === undefined) return [];
    const file = { member: 'ai_edge_litert/libLiteRt.so', name: 'libLiteRt.so', sizeBytes: wheel.libraryBytes };
    return [wheelRecipe(wheel, [file])];
  },
  without: {
    kind: 'fallback',
    to: `models run on TensorFlow Lite ${pinned.tfLite}, or on WebAssembly where that is absent too`,
    cost: 'two to three times slower',
  },
};
