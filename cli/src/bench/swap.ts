/**
 * `atoll bench swap`: what clients notice when a node changes the version of a model under load. Two models that answer
 * differently take turns as versions 1, 2, 3, ... of one repository, so that every answer tells by its bytes who made it. Windows
 * with swaps and windows without alternate in one run; then the memory of many swaps is watched.
 */
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import { InferenceServiceService, VersionLabel } from '@atoll/proto/atoll/v1/inference';
import { GRPCInferenceServiceService, type ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import type { Context } from '../context.js';
import { atollServer } from './atoll-server.js';
import { machineConditions } from './conditions.js';
import type { BenchFigure } from './figure.js';
import { inferRequest } from './load-loop.js';
import { processTree, rssOf } from './process-tree.js';
import type { ServedModel } from './served-models.js';
import { describeSwap, settlingSwaps, swapFigures } from './swap-figures.js';
import { type SeenLoad, startSwapLoad, type SwapLoad } from './swap-load.js';

/** What to measure. */
export interface SwapBench {
  /** Versions of odd and of even numbers; alike in inputs and outputs. */
  readonly models: readonly [odd: ServedModel, even: ServedModel];
  readonly clients: number;
  readonly slots: number;
  /** Between two swaps. */
  readonly everySeconds: number;
  /** Of windows with swaps in all; those without last as long. */
  readonly seconds: number;
  /** Of one window. */
  readonly windowSeconds: number;
  /** Swaps whose memory is watched, after the 50 that come first. */
  readonly memorySwaps: number;
}

/** What was seen. */
export interface SwapResult {
  readonly load: SeenLoad;
  /** Latencies of each window in milliseconds. */
  readonly calm: readonly (readonly number[])[];
  readonly swapping: readonly (readonly number[])[];
  /** How long each swap of the windows took, from the call to its answer. */
  readonly swapMs: readonly number[];
  /** Swaps that the node refused; what served went on. */
  readonly refused: number;
  /** Resident memory of the node's processes after each swap of the last part. */
  readonly rssBytes: readonly number[];
}

const swapTimeoutMs = 60_000;
/** A node may refuse a version on a busy machine, but hardly so many. */
const firstTries = 8;

/** Measures, and prints the table. */
export async function benchSwap(bench: SwapBench, context: Context): Promise<readonly BenchFigure[]> {
  const { signal, env, progress } = context;
  const conditions = {
    model: bench.models[0].name,
    clients: bench.clients,
    slots: bench.slots,
    everySeconds: bench.everySeconds,
    seconds: bench.seconds,
    windowSeconds: bench.windowSeconds,
    ...machineConditions(),
  };
  const folder = await mkdtemp(join(tmpdir(), 'atoll-swap-'));
  try {
    const versions = startVersions(folder, bench.models);
    await versions.place(1);
    const server = atollServer(env, bench.slots, join(folder, 'repository'));
    const running = await server.start(bench.models[0], signal);
    const channel = openChannel(running.address);
    try {
      const request = await inferRequest(bench.models[0]);
      const result = await measure(channel, running.pid, versions, request, bench, context);
      progress.end();
      context.err(`${describeSwap(result, conditions)}\n\n`);
      return swapFigures(result, conditions);
    } finally {
      channel.close();
      await running.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  channel: Channel,
  pid: number,
  versions: Versions,
  request: ModelInferRequest,
  bench: SwapBench,
  { signal, progress }: Context,
): Promise<SwapResult> {
  const model = bench.models[0].name;
  const swaps: { version: number; beganMs: number; endedMs: number }[] = [{ version: 1, beganMs: 0, endedMs: 0 }];
  const client = channel.client(GRPCInferenceServiceService);
  const control = channel.client(InferenceServiceService);
  let lastVersion = 1;
  let refused = 0;
  const swap: Swap = async () => {
    const version = ++lastVersion;
    await versions.place(version);
    const mine = { version, beganMs: performance.now(), endedMs: Number.POSITIVE_INFINITY };
    swaps.push(mine);
    try {
      await control.loadVersion(
        { model, version: BigInt(version), label: VersionLabel.VERSION_LABEL_STABLE, percent: 0, maxMeanAbsError: 0 },
        { signal, timeoutMs: swapTimeoutMs },
      );
    } catch (error) {
      // A trial that a busy machine makes too slow, say: what serves goes on, and the next one is tried in its turn.
      if (!isAtollError(error, 'FAILED_PRECONDITION')) throw error;
      refused++;
      progress.line(reasonOf(error));
      swaps.pop();
      await versions.remove(version);
      return undefined;
    }
    mine.endedMs = performance.now();
    const before = swaps.at(-2)?.version;
    if (before !== undefined) await versions.remove(before);
    return mine.endedMs - mine.beganMs;
  };
  const answer = async (): Promise<Uint8Array> =>
    (await client.modelInfer(request, { signal })).rawOutputContents[0] ?? new Uint8Array();

  const odd = await answer();
  for (let turn = 0; (swaps.at(-1)?.version ?? 1) % 2 === 1; turn++) {
    if (turn === firstTries)
      throw new AtollError('FAILED_PRECONDITION', `cannot swap ${model}: the node has refused ${refused} versions`);
    await swap();
  }
  const even = await answer();
  if (odd.every((byte, i) => byte === even[i]))
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot tell the versions of ${model} apart: both answer ${odd.join(' ')}`,
    );
  const setting = { request, swaps, expected: (version: number) => (version % 2 === 1 ? odd : even) };

  const load = startSwapLoad(channel, { ...setting, clients: bench.clients }, signal);
  const windows = { calm: new Array<number[]>(), swapping: new Array<number[]>(), swapMs: new Array<number>() };
  try {
    await pause(1000, undefined, { signal }); // Warm: compiled code, grown buffers.
    const order = windowOrder(Math.max(1, Math.round(bench.seconds / bench.windowSeconds)));
    for (const [turn, kind] of order.entries()) {
      const what = kind === 'calm' ? 'without swaps' : `with one every ${bench.everySeconds} s`;
      progress.line(`window ${turn + 1} of ${order.length}: ${what}`);
      windows[kind].push(
        kind === 'calm'
          ? await calmWindow(load, bench.windowSeconds, signal)
          : await swapWindow(load, swap, bench, windows.swapMs, signal),
      );
    }
  } finally {
    await load.stop();
  }
  const rssBytes =
    bench.memorySwaps === 0 ? [] : await watchMemory(pid, swap, answer, bench, (text) => progress.line(text));
  return { load: load.seen(), ...windows, refused, rssBytes };
}

/**
 * Windows of both kinds, `pairs` of each: without, with, with, without, and so on, so that neither kind is always the later one,
 * for which the machine, the node and this process are warmer.
 */
export function windowOrder(pairs: number): readonly ('calm' | 'swapping')[] {
  return Array.from({ length: pairs }, (_, pair) =>
    pair % 2 === 0 ? (['calm', 'swapping'] as const) : (['swapping', 'calm'] as const),
  ).flat();
}

async function calmWindow(load: SwapLoad, seconds: number, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  load.collect(times);
  await pause(seconds * 1000, undefined, { signal });
  load.collect(undefined);
  return times;
}

/** The swaps begin with the window; one that is late does not make the next one late. */
async function swapWindow(
  load: SwapLoad,
  swap: Swap,
  { windowSeconds, everySeconds }: SwapBench,
  swapMs: number[],
  signal: AbortSignal,
): Promise<number[]> {
  const times: number[] = [];
  load.collect(times);
  const startMs = performance.now();
  const endMs = startMs + windowSeconds * 1000;
  for (let turn = 0; startMs + turn * everySeconds * 1000 < endMs; turn++) {
    await pause(Math.max(0, startMs + turn * everySeconds * 1000 - performance.now()), undefined, { signal });
    const tookMs = await swap();
    if (tookMs !== undefined) swapMs.push(tookMs);
  }
  await pause(Math.max(0, endMs - performance.now()), undefined, { signal });
  load.collect(undefined);
  return times;
}

/** A few requests between swaps, so that every version runs. */
async function watchMemory(
  pid: number,
  swap: Swap,
  answer: () => Promise<Uint8Array>,
  { memorySwaps }: SwapBench,
  line: (text: string) => void,
): Promise<readonly number[]> {
  const bytes: number[] = [];
  for (let turn = 0; turn < settlingSwaps + memorySwaps; turn++) {
    if (turn % 25 === 0) line(`memory: swap ${turn} of ${settlingSwaps + memorySwaps}`);
    if ((await swap()) === undefined) continue;
    for (let ask = 0; ask < 4; ask++) await answer();
    bytes.push(rssOf(await processTree(pid)));
  }
  return bytes;
}

/** Milliseconds; undefined when the node refused the version. */
type Swap = () => Promise<number | undefined>;

interface Versions {
  place(version: number): Promise<void>;
  remove(version: number): Promise<void>;
}

/** A repository in which a version is there whole or not at all. */
function startVersions(folder: string, models: SwapBench['models']): Versions {
  const name = models[0].name;
  const at = (version: number): string => join(folder, 'repository', name, String(version));
  return {
    async place(version) {
      const made = join(folder, `version-${version}`);
      await mkdir(made);
      await mkdir(join(folder, 'repository', name), { recursive: true });
      await copyFile(models[version % 2 === 1 ? 0 : 1].path, join(made, 'model.tflite'));
      await rename(made, at(version));
    },
    remove: (version) => rm(at(version), { recursive: true, force: true }),
  };
}
