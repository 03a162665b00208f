/**
 * `atoll bench invoke`: how long one run of a model takes in this process, by every backend that there is, off the event loop and
 * on it, beside ai-edge-litert in Python on the same file. All take turns in rounds, so that whatever else the machine does
 * meets all of them; of a round's runs the percentile counts, and of the rounds the median.
 */
import { readFile } from 'node:fs/promises';
import { cachePaths, pinned } from '@atoll/base/cache';
import { isAtollError, reasonOf } from '@atoll/base/error';
import { type LoadedModel, tensorBytes } from '@atoll/runtime/model';
import { type Libraries, openModel } from '@atoll/runtime/open';
import type { Context } from '../context.js';
import { table } from '../table.js';
import { describeConditions, machineConditions } from './conditions.js';
import { againstPeer, type BenchFigure, median } from './figure.js';
import { type InvokePeer, startInvokePeer } from './invoke-peer.js';
import { liteRtPeer, peerPython } from './peer-python.js';
import { percentile } from './percentiles.js';
import type { ServedModel } from './served-models.js';

/** What to measure. */
export interface InvokeBench {
  readonly models: readonly ServedModel[];
  readonly backends: readonly InvokeBackend[];
  readonly rounds: number;
  /** Runs of one contender in one round. */
  readonly runs: number;
}

/** The backends of a CPU. */
export type InvokeBackend = 'native-litert' | 'native-tflite' | 'wasm';

/** All of them, fastest first. */
export const invokeBackends: readonly InvokeBackend[] = ['native-litert', 'native-tflite', 'wasm'];

/** Whoever runs the model: milliseconds of each of so many runs. */
interface Contender {
  readonly name: string;
  readonly ours: boolean;
  readonly run: (runs: number) => Promise<readonly number[]>;
}

/** Before the first round; LiteRT.js needs some until its code is compiled. */
const warmUpRuns = 20;
/** A backend without XNNPACK is ten times slower: then a round has as many runs as fit. */
const roundMs = 1500;

/** Measures every model, and prints its table as soon as it is done. */
export async function benchInvoke(bench: InvokeBench, context: Context): Promise<readonly BenchFigure[]> {
  const { env, signal, err } = context;
  const found = await peerPython(liteRtPeer, env, true);
  if ('skip' in found) err(`without the peer ${liteRtPeer.requirement}: ${found.skip}\n`);
  const paths = bench.models.map(({ path }) => path);
  const peer = 'python' in found ? await startInvokePeer(found.python, paths, env, signal) : undefined;
  const figures: BenchFigure[] = [];
  try {
    for (const [index, model] of bench.models.entries())
      figures.push(...(await benchModel(model, index, peer, bench, context)));
    return figures;
  } finally {
    peer?.stop();
  }
}

async function benchModel(
  model: ServedModel,
  index: number,
  peer: InvokePeer | undefined,
  bench: InvokeBench,
  context: Context,
): Promise<readonly BenchFigure[]> {
  const { signal, progress } = context;
  const opened = await openAll(model, bench.backends, context);
  try {
    const contenders = opened.flatMap(contendersOf);
    if (peer !== undefined)
      contenders.push({ name: peerName(peer), ours: false, run: (runs) => peer.run(index, runs) });
    const times = new Map<string, { readonly p50: number[]; readonly p99: number[] }>();
    const runsOf = new Map<string, number>();
    for (const { name, run } of contenders) {
      const usualMs = percentile(await run(warmUpRuns), 0.5);
      runsOf.set(name, Math.max(warmUpRuns, Math.min(bench.runs, Math.floor(roundMs / usualMs))));
      times.set(name, { p50: [], p99: [] });
    }
    const conditions = { model: model.name, threads: 1, rounds: bench.rounds, ...machineConditions() };
    for (let round = 0; round < bench.rounds; round++) {
      for (const { name, run } of contenders) {
        signal.throwIfAborted();
        progress.line(`${model.name}: round ${round + 1} of ${bench.rounds}: ${name}`);
        const taken = await run(runsOf.get(name) ?? warmUpRuns);
        times.get(name)?.p50.push(percentile(taken, 0.5));
        times.get(name)?.p99.push(percentile(taken, 0.99));
      }
    }
    const medians = contenders.map(({ name, ours }) => ({
      name,
      ours,
      runs: runsOf.get(name) ?? 0,
      p50: median(times.get(name)?.p50 ?? []),
      p99: median(times.get(name)?.p99 ?? []),
    }));
    progress.end();
    context.err(`${describe(model.name, medians, conditions)}\n\n`);
    return figuresOf(model.name, medians, conditions);
  } finally {
    for (const one of opened) await one.close();
  }
}

/** Those that this machine has; the others are told by name. */
async function openAll(
  model: ServedModel,
  backends: readonly InvokeBackend[],
  { env, err }: Context,
): Promise<readonly LoadedModel[]> {
  const { liteRt, tfLite } = cachePaths(env);
  const bytes = await readFile(model.path);
  // A path at which nothing is leaves the other native library.
  const libraries: Readonly<Record<InvokeBackend, Libraries>> = {
    'native-litert': { liteRt, tfLite: '' },
    'native-tflite': { liteRt: '', tfLite },
    wasm: { liteRt, tfLite },
  };
  const opened: LoadedModel[] = [];
  for (const backend of backends) {
    try {
      const choice = backend === 'wasm' ? 'wasm' : 'native';
      opened.push(await openModel(bytes, { backend: choice, libraries: libraries[backend], threads: 1 }));
    } catch (error) {
      if (!isAtollError(error)) throw error;
      err(`without the backend ${backend}: ${reasonOf(error)}\n`);
    }
  }
  return opened;
}

/** A model off the event loop and on it; LiteRT.js knows the latter alone. */
function contendersOf(model: LoadedModel): Contender[] {
  const inputs = model.inputs.map((spec) => Uint8Array.from({ length: tensorBytes(spec) }, (_, i) => (i * 7919) % 256));
  const sync: Contender = {
    name: `${model.backend} sync`,
    ours: true,
    run: async (runs) =>
      await timed(runs, () => {
        model.runSync(inputs);
      }),
  };
  if (model.backend === 'wasm') return [sync];
  const off: Contender = {
    name: `${model.backend} async`,
    ours: true,
    run: (runs) =>
      timed(runs, async () => {
        await model.run(inputs);
      }),
  };
  return [off, sync];
}

async function timed(runs: number, run: () => Promise<void> | void): Promise<readonly number[]> {
  const times: number[] = [];
  for (let done = 0; done < runs; done++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times;
}

interface Measured {
  readonly name: string;
  readonly ours: boolean;
  readonly runs: number;
  readonly p50: number;
  readonly p99: number;
}

function figuresOf(
  model: string,
  medians: readonly Measured[],
  conditions: BenchFigure['conditions'],
): readonly BenchFigure[] {
  const peer = medians.find(({ ours }) => !ours);
  return medians
    .filter(({ ours }) => ours)
    .flatMap((one) =>
      (['p50', 'p99'] as const).map((share): BenchFigure => {
        const figure = {
          name: `${model}/${one.name.replace(' ', '/')}/${share}`,
          unit: 'ms',
          value: one[share],
          conditions: { ...conditions, runs: one.runs, litert: pinned.liteRt, tflite: pinned.tfLite },
        };
        return peer === undefined ? figure : againstPeer(figure, peer.name, peer[share]);
      }),
    );
}

function describe(model: string, medians: readonly Measured[], conditions: BenchFigure['conditions']): string {
  const peer = medians.find(({ ours }) => !ours);
  const rows = medians.map(({ name, runs, p50, p99 }) => [
    `  ${name}`,
    p50.toFixed(3),
    p99.toFixed(3),
    peer === undefined ? '' : (p50 / peer.p50).toFixed(2),
    String(runs),
  ]);
  const columns = ['  run by', 'p50 ms', 'p99 ms', 'p50 : peer', 'runs a round'];
  return `${model} (${describeConditions(conditions)})\n${table(columns, rows)}`;
}

function peerName({ version }: InvokePeer): string {
  return `ai-edge-litert ${version}`;
}
