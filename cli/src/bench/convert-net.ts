/** Makes int8 files of one net: Atoll by its own command line, the peers by their scripts, each in a process that is measured whole. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import type { Env } from '@atoll/base/env';
import { median } from './figure.js';
import { type MeasuredRun, measuredRun } from './measured-run.js';
import { benchScript, type BenchNet } from './nets.js';

/** A conversion: medians over its runs. */
export interface Conversion {
  readonly maker: string;
  readonly file: string;
  readonly ours: boolean;
  /** From the model file to the written file, without the start of Node or Python; null for a file of an earlier bench. */
  readonly seconds: number | null;
  /** The process from its start to its end. */
  readonly processSeconds: number | null;
  /** Processor time of the process and its children. */
  readonly cpuSeconds: number | null;
  readonly peakRssBytes: number | null;
}

/** What Python is there. */
export interface PeerPythons {
  readonly tensorflow: string | undefined;
  readonly aiEdge: string | undefined;
}

/** How Atoll converts. */
export interface OwnOptions {
  readonly ranges: string;
  readonly samples: number;
  /** The file in the net's folder that Atoll starts from. */
  readonly model: string;
}

/** Names of the peers' files, by maker. */
export const peerFiles: ReadonlyMap<string, string> = new Map([
  ['TFLiteConverter 2.15.1', 'tflite.tflite'],
  ['ai-edge-quantizer 0.10.0', 'aeq.tflite'],
  ['ai-edge-quantizer 0.10.0 min/max', 'aeq-minmax.tflite'],
]);

/** The path of a peer's file. */
export function peerFile(net: BenchNet, name: string): string {
  return join(net.folder, 'peers', name);
}

/** `atoll quantize` on a net. */
export async function convertByAtoll(
  net: BenchNet,
  { ranges, samples, model }: OwnOptions,
  runs: number,
  env: Env,
  signal: AbortSignal,
): Promise<Conversion> {
  const file = join(net.folder, `atoll-${ranges}.tflite`);
  const bin = join(import.meta.dirname, '../../bin/atoll.js');
  const args = ['quantize', join(net.folder, model), '--data', join(net.folder, 'calib'), '--out', file];
  const options = ['--ranges', ranges, '--samples', String(samples), '--labels', join(net.folder, 'labels.txt')];
  const command = [bin, ...args, ...options, '--json', '--quiet', '--fresh'];
  return {
    maker: `atoll ${ranges}`,
    file,
    ours: true,
    ...(await medians(process.execPath, command, runs, env, signal)),
  };
}

/** The float file that all are compared with, and the photos for the peer that reads no PNG. */
export async function prepareForPeers(net: BenchNet, python: string, photos: string, env: Env, signal: AbortSignal) {
  await mkdir(join(net.folder, 'peers'), { recursive: true });
  await measuredRun(python, [benchScript('convert-tflite.py'), net.folder, 'float', photos], env, signal);
}

/** The peers on a net, each on all of its calibration photos. */
export async function convertByPeers(
  net: BenchNet,
  pythons: PeerPythons,
  photos: string,
  runs: number,
  env: Env,
  signal: AbortSignal,
): Promise<readonly Conversion[]> {
  const made: Conversion[] = [];
  for (const [maker, name] of peerFiles) {
    const tensorflow = name === 'tflite.tflite';
    const python = tensorflow ? pythons.tensorflow : pythons.aiEdge;
    if (python === undefined) continue;
    const args = tensorflow
      ? [benchScript('convert-tflite.py'), net.folder, 'int8']
      : [benchScript('convert-ai-edge.py'), net.folder, photos, name === 'aeq.tflite' ? 'average' : 'minmax'];
    const taken = await medians(python, args, runs, env, signal);
    made.push({ maker, file: peerFile(net, name), ours: false, ...taken });
  }
  return made;
}

async function medians(command: string, args: readonly string[], runs: number, env: Env, signal: AbortSignal) {
  const taken: (MeasuredRun & { readonly converted: number })[] = [];
  for (let run = 0; run < runs; run++) {
    const measured = await measuredRun(command, args, env, signal);
    taken.push({ ...measured, converted: secondsOf(measured.stdout) });
  }
  const known = (values: readonly (number | null)[]): number | null => {
    const numbers = values.filter((value): value is number => value !== null);
    return numbers.length === 0 ? null : median(numbers);
  };
  return {
    seconds: known(taken.map(({ converted }) => converted)),
    processSeconds: known(taken.map(({ seconds }) => seconds)),
    cpuSeconds: known(taken.map(({ cpuSeconds }) => cpuSeconds)),
    peakRssBytes: known(taken.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

/** Every converter's last line is a JSON document with its seconds. */
function secondsOf(stdout: string): number {
  const document: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  if (typeof document === 'object' && document !== null && 'seconds' in document) return Number(document.seconds);
  throw new AtollError('DATA_LOSS', 'cannot read what a conversion took: it tells no seconds');
}
