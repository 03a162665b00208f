/** The nets that conversions are measured on: one folder each with model.h5, labels.txt, net.json, calib/, eval/ and peers/. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError, errnoOf } from '@atoll/base/error';
import type { Context } from '../context.js';
import { measuredRun } from './measured-run.js';
import { peerPython, tensorflowPeer } from './peer-python.js';

/** A net that is ready. */
export interface BenchNet {
  readonly name: string;
  readonly folder: string;
  readonly labels: readonly string[];
  readonly parameters: number;
  /** Top-1 of the Keras model on the evaluation photos; null for a net with random weights, on which only time is measured. */
  readonly accuracy: number | null;
}

/** The nets that are trained to an accuracy, and those whose conversion is only timed; nets.py makes both. */
export const trainedNets: readonly string[] = [
  'cnn',
  'mobilenet-v1',
  'mobilenet-v2',
  'residual',
  'segmenter',
  'two-branches',
  'activations',
];
export const timedNets: readonly string[] = ['mobilenet-v2-224', 'large'];

/** Where the nets are kept that the bench makes by itself; the number changes with nets.py. */
export function defaultNetsFolder(env: Env): string {
  return join(cachePaths(env).root, 'bench', 'nets-1');
}

/** The script of the bench by its file name; they lie beside the sources. */
export function benchScript(name: string): string {
  return join(import.meta.dirname, '../../src/bench', name);
}

/** The nets of those names below a folder; those that are not there yet are trained into it. */
export async function prepareNets(
  folder: string,
  names: readonly string[],
  context: Context,
): Promise<readonly BenchNet[]> {
  const found = await readNets(folder);
  const missing = names.filter((name) => !found.some((net) => net.name === name));
  if (missing.length === 0) return found.filter(({ name }) => names.includes(name));
  await trainNets(folder, missing, context);
  return (await readNets(folder)).filter(({ name }) => names.includes(name));
}

/** The nets in a folder, in the order of their names. */
export async function readNets(folder: string): Promise<readonly BenchNet[]> {
  const nets: BenchNet[] = [];
  for (const name of (await namesIn(folder)).toSorted()) {
    const text = await textOf(join(folder, name, 'net.json'));
    if (text !== undefined) nets.push(await readNet(name, join(folder, name), text));
  }
  return nets;
}

async function readNet(name: string, folder: string, text: string): Promise<BenchNet> {
  const facts: unknown = JSON.parse(text);
  const labels = (await textOf(join(folder, 'labels.txt'))) ?? '';
  if (typeof facts !== 'object' || facts === null || !('parameters' in facts) || !('accuracy' in facts))
    throw new AtollError('DATA_LOSS', `cannot use ${folder}: its net.json tells no parameters and accuracy`);
  return {
    name,
    folder,
    labels: labels.split('\n').filter((line) => line !== ''),
    parameters: Number(facts.parameters),
    accuracy: typeof facts.accuracy === 'number' ? facts.accuracy : null,
  };
}

async function trainNets(folder: string, names: readonly string[], context: Context): Promise<void> {
  const { env, progress, signal } = context;
  const peer = await peerPython(tensorflowPeer, env, true);
  if ('skip' in peer)
    throw new AtollError(
      'UNAVAILABLE',
      `cannot make the nets of the bench (or name a folder, --nets DIR): ${peer.skip}`,
    );
  const { cifar } = cachePaths(env);
  if ((await namesIn(cifar)).length === 0)
    throw new AtollError(
      'UNAVAILABLE',
      `cannot make the nets of the bench: there are no photos in ${cifar}; npm test fetches them`,
    );
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    progress.line(`training ${name} by Keras, once, into ${folder}: 2 to 6 minutes`);
    await measuredRun(peer.python, [benchScript('nets.py'), cifar, folder, name], env, signal);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
