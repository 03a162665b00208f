/** The two models that inference is measured on, quantized by Atoll once and kept in the cache. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import { AtollError, errnoOf } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';
import type { Context } from '../context.js';
import { measuredRun } from './measured-run.js';
import { fourConvolutions, type LayersModel, mobileNetV2, weightsFile } from './served-net.js';

/** A model that is ready to be served. */
export interface ServedModel {
  readonly name: string;
  readonly path: string;
}

/** Alike in all but their weights, so that their answers differ. */
export const swappedModelNames = ['cnn150', 'cnn150-other'] as const;

const nets: ReadonlyMap<string, () => LayersModel> = new Map([
  ['cnn150', () => fourConvolutions(1)],
  ['cnn150-other', () => fourConvolutions(2)],
  ['mobilenet-v2-224', () => mobileNetV2(1)],
]);

/** Those whose time is of interest. */
export const servedModelNames: readonly string[] = ['cnn150', 'mobilenet-v2-224'];

/** The file of one of them, made now when it is not in the cache; the number in its folder changes with served-net.ts. */
export async function servedModel(name: string, context: Context): Promise<ServedModel> {
  const net = nets.get(name);
  if (net === undefined) throw new AtollError('NOT_FOUND', `cannot find model ${name} of the bench`);
  const folder = join(cachePaths(context.env).root, 'bench', 'served-1');
  const path = join(folder, `${name}.tflite`);
  if (await isThere(path)) return { name, path };
  context.progress.line(`quantizing ${name}, once, into ${folder}`);
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path, await quantized(net(), context));
  return { name, path };
}

async function quantized({ json, weights }: LayersModel, { env, signal }: Context): Promise<Uint8Array> {
  const photos = join(cachePaths(env).cifar, 'train');
  if (!(await isThere(photos)))
    throw new AtollError(
      'UNAVAILABLE',
      `cannot make the models of the bench: there are no photos in ${photos}; npm run bench fetches them`,
    );
  const folder = await mkdtemp(join(tmpdir(), 'atoll-bench-'));
  try {
    await writeFile(join(folder, 'model.json'), json);
    await writeFile(join(folder, weightsFile), weights);
    const out = join(folder, 'model.tflite');
    const bin = join(import.meta.dirname, '../../bin/atoll.js');
    const args = ['quantize', join(folder, 'model.json'), '--data', photos, '--out', out];
    await measuredRun(
      process.execPath,
      [bin, ...args, '--ranges', 'minmax', '--samples', '50', '--quiet'],
      env,
      signal,
    );
    return await readFile(out);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EISDIR') return true;
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
