/*
 * Packages of tiny real models, written to a folder as an agent would leave them, golden cases included.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import { sha256 } from '@atoll/base/digest';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { standaloneConfig } from './config.js';
import type { EdgeInferenceConfig } from './config.js';
import type { ModelPackage } from './models/model-package.js';

/** Pictures of the tiny models are pictureSize x pictureSize. */
export const pictureSize = 16;
/** Their classes, in order. */
export const classNames: readonly string[] = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'];

/** Settings of a node under test. */
export const testConfig: EdgeInferenceConfig = standaloneConfig(cachePaths(process.env));

/** Input bytes that differ by seed. */
export function pixels(seed: number): Uint8Array {
  return Uint8Array.from({ length: pictureSize * pictureSize * 3 }, (_, i) => (i * 31 + seed * 97) % 256);
}

/** A maker of packages in a folder of its own. */
export interface PackageMaker {
  readonly folder: string;
  /** Version `version` of model "tiny"; another version has other weights. */
  make(version: bigint, change?: Partial<ModelPackage>): Promise<ModelPackage>;
  /** What that version answers to pixels(seed), by an openModel of this process. */
  answer(version: bigint, seed: number): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<{ path: string; sha256: string; sizeBytes: number }>;
  remove(): Promise<void>;
}

/** Makes the folder. */
export async function packageMaker(): Promise<PackageMaker> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-edge-'));
  const bytesOf = (version: bigint): Uint8Array =>
    tinyClassifier({ seed: Number(version), size: pictureSize, classes: classNames.length, io: 'uint8' });
  const write = async (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return { path, sha256: sha256(bytes), sizeBytes: bytes.byteLength };
  };
  const answer = async (version: bigint, seed: number): Promise<Uint8Array> => {
    const model = await openModel(bytesOf(version), { backend: 'auto', libraries: testConfig.libraries });
    try {
      return model.runSync([pixels(seed)])[0] ?? new Uint8Array(0);
    } finally {
      await model.close();
    }
  };
  return {
    folder,
    answer,
    write,
    make: async (version, change = {}) => {
      const file = await write(`tiny-${version}.tflite`, bytesOf(version));
      return {
        model: 'tiny',
        version,
        manifestSha256: sha256(`tiny ${version}`),
        files: [{ target: 'cpu', ...file, minRuntimeVersion: 0 }],
        inputs: [],
        outputs: [],
        preprocessing: undefined,
        labels: classNames,
        golden: [
          {
            input: await write('golden-input', pixels(0)),
            output: await write(`golden-output-${version}`, await answer(version, 0)),
            tolerance: 1,
          },
        ],
        ...change,
      };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
