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

/** Before the runs of a round; LiteRT.js needs some until its code is compiled. */
const warmUpRuns = 20;
/** A backend without XNNPACK is ten times slower: then a round has as many runs as fit. */
const roundMs = 1500;

/** Measures every model, and prints its table as soon as it is done. */
export async function benchInvoke(bench: InvokeBench, context: Context): Promise<readonly BenchFigure[]> {
  const found = await peerPython(liteRtPeer, context.env, true);
  if ('skip' in found) context.err(`without the peer ${liteRtPeer.requirement}: ${found.skip}\n`);
  const python = 'python' in found ? found.python : undefined;
  const figures: BenchFigure[] = [];
  for (const model of bench.models) {
    const conditions = { model: model.name, threads: 1, rounds: bench.rounds, ...machineConditions() };
    const measured = new Map<string, Measured>();
    for (let round = 0; round < bench.rounds; round++) {
      context.progress.line(`${model.name}: round ${round + 1} of ${bench.rounds}`);
      await measureRound(model, python, bench, measured, context);
    }
    const results = [...measured.values()];
    context.progress.end();
    context.err(`${describe(model.name, results, conditions)}\n\n`);
    figures.push(...figuresOf(model.name, results, conditions));
  }
  return figures;
}

/** Every round opens the model anew, since how its memory happens to lie makes a difference that lasts as long as it is open. */
async function measureRound(
  model: ServedModel,
  python: string | undefined,
  bench: InvokeBench,
  measured: Map<string, Measured>,
  context: Context,
): Promise<void> {
  const { env, signal } = context;
  const opened = await openAll(model, bench.backends, context);
  try {
    const peer = python === undefined ? undefined : await startInvokePeer(python, model.path, env, signal);
    try {
      const contenders = opened.flatMap(contendersOf);
      if (peer !== undefined) contenders.push({ name: peerName(peer), ours: false, run: (runs) => peer.run(runs) });
      for (const { name, ours, run } of contenders) {
        signal.throwIfAborted();
        const usualMs = percentile(await run(warmUpRuns), 0.5);
        const runs = Math.max(warmUpRuns, Math.min(bench.runs, Math.floor(roundMs / usualMs)));
        const times = await run(runs);
        const one = measured.get(name) ?? { name, ours, runs, p50s: [], p99s: [] };
        one.p50s.push(percentile(times, 0.5));
        one.p99s.push(percentile(times, 0.99));
        measured.set(name, one);
      }
    } finally {
      peer?.stop();
    }
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
  /** One a round. */
  readonly p50s: number[];
  readonly p99s: number[];
}

function figuresOf(
  model: string,
  measured: readonly Measured[],
  conditions: BenchFigure['conditions'],
): readonly BenchFigure[] {
  const peer = measured.find(({ ours }) => !ours);
  return measured
    .filter(({ ours }) => ours)
    .flatMap((one) =>
      (['p50', 'p99'] as const).map((share): BenchFigure => {
        const figure = {
          name: `${model}/${one.name.replace(' ', '/')}/${share}`,
          unit: 'ms',
          value: median(one[`${share}s`]),
          conditions: { ...conditions, runs: one.runs, litert: pinned.liteRt, tflite: pinned.tfLite },
        };
        return peer === undefined ? figure : againstPeer(figure, peer.name, median(peer[`${share}s`]));
      }),
    );
}

function describe(model: string, measured: readonly Measured[], conditions: BenchFigure['conditions']): string {
  const peer = measured.find(({ ours }) => !ours);
  const rows = measured.map(({ name, runs, p50s, p99s }) => [
    `  ${name}`,
    median(p50s).toFixed(3),
    median(p99s).toFixed(3),
    peer === undefined ? '' : (median(p50s) / median(peer.p50s)).toFixed(2),
    String(runs),
  ]);
  const columns = ['  run by', 'p50 ms', 'p99 ms', 'p50 : peer', 'runs a round'];
  return `${model} (${describeConditions(conditions)})\n${table(columns, rows)}`;
}

function peerName({ version }: InvokePeer): string {
  return `ai-edge-litert ${version}`;
}
