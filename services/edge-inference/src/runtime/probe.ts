/*
 * A package is tried in a process of its own before it comes near the one that serves: a file that ends or hangs its runtime
 * ends and hangs only this. It must load, fit its package, answer its golden cases, and do so fast enough.
 */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import { verifyLoaded } from '../models/verify.js';
import type { ChildSettings, RuntimeChild } from './child-process.js';
import { isRuntimeGone, startChild } from './child-process.js';
import type { Candidate } from './messages.js';
import { probeNiceness } from './probe-niceness.js';

/** What a probe allows. */
export interface ProbeOptions {
  readonly settings: ChildSettings;
  /** All of it, start of the process included. */
  readonly timeoutMs: number;
  /** The median run, the first one not counted. */
  readonly budgetMs: number;
  readonly log: Logger;
  /** A process that was started before, once; default a new one. */
  readonly takeChild?: (() => Promise<RuntimeChild> | undefined) | undefined;
}

/** What became of a trial: a fault, or what the package needs. */
export type ProbeResult =
  | { readonly fault: PackageFault }
  | {
      readonly fault: undefined;
      /** By how much the process grew through the load and a first run. */
      readonly memoryBytes: number;
      /** The median of the runs over the golden cases, the first one not counted. */
      readonly medianMs: number;
      /** The fastest of them: what others do on the machine at the same time shows least in it. */
      readonly leastMs: number;
    };

const handle = 'probe';
/** Rounds over the golden cases, so that the median is not the first run; more of them while runs are few and quick. */
const rounds = 3;
const enoughRuns = 6;
const longMs = 200;

/**
 * Tries a package. One with nothing for a CPU is not tried here, only where it will serve, and so has zeros for its needs.
 * Throws the signal's reason when it aborts.
 */
export async function probePackage(
  pkg: ModelPackage,
  candidates: readonly Candidate[],
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<ProbeResult> {
  signal.throwIfAborted();
  if (candidates.length === 0) return { fault: undefined, memoryBytes: 0, medianMs: 0, leastMs: 0 };
  const ended = new AbortController();
  const late = setTimeout(() => ended.abort(), options.timeoutMs);
  const log = options.log.with({ probe: packageName(pkg) });
  let child: RuntimeChild | undefined;
  const end = (): void => child?.kill();
  for (const one of [signal, ended.signal]) one.addEventListener('abort', end, { once: true });
  try {
    child = await (options.takeChild?.() ?? startChild(options.settings, log, probeNiceness));
    ended.signal.throwIfAborted();
    signal.throwIfAborted();
    return await tryOut(child, pkg, candidates, options.budgetMs);
  } catch (error) {
    signal.throwIfAborted();
    if (ended.signal.aborted) {
      return faulty('TOO_SLOW', `its trial did not end within ${options.timeoutMs} ms`);
    }
    if (isRuntimeGone(error)) return faulty('CRASHED', `its trial failed: ${reasonOf(error)}`);
    return faulty('LOAD_FAILED', reasonOf(error));
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', end);
    child?.kill();
    await child?.ended;
  }
}

async function tryOut(
  child: RuntimeChild,
  pkg: ModelPackage,
  candidates: readonly Candidate[],
  budgetMs: number,
): Promise<ProbeResult> {
  const info = await child.load(handle, candidates);
  const timesMs: number[] = [];
  const spentMs = (): number => timesMs.reduce((sum, ms) => sum + ms, 0);
  for (let round = 0; round < rounds || (timesMs.length < enoughRuns && spentMs() < longMs); round++) {
    const fault = await verifyLoaded(pkg, info, async (inputs) => {
      const result = await child.run(handle, inputs);
      timesMs.push(result.inferMs);
      return result;
    });
    if (fault !== undefined) return { fault };
  }
  const sorted = timesMs.slice(1).toSorted((a, b) => a - b);
  const [leastMs = 0, medianMs = 0] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  if (medianMs <= budgetMs) return { fault: undefined, memoryBytes: info.memoryBytes, medianMs, leastMs };
  return faulty('TOO_SLOW', `a run takes ${medianMs.toFixed(1)} ms, this node allows ${budgetMs} ms`);
}

function faulty(reason: PackageFault['reason'], message: string): ProbeResult {
  return { fault: { reason, message } };
}
