/*
 * Times every backend of the CPU with the model itself, each in a process of its own that gives way to whatever else runs here:
 * loads it, checks its golden cases, and runs it until the median stands still enough to choose by.
 */
import { constants, setPriority } from 'node:os';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import { verifyLoaded } from '../models/verify.js';
import type { ChildSettings, RuntimeChild } from '../runtime/child-process.js';
import { startChild } from '../runtime/child-process.js';
import type { BackendTrial, CpuBackend } from './choose.js';
import { cpuBackends } from './choose.js';

/** How trials are made. */
export interface TryOptions {
  readonly settings: ChildSettings;
  /** Of one backend, start of its process included. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

const handle = 'trial';
/** The first rounds are slower: caches, and a compiler that has not seen the code yet. */
const warmRounds = 3;
const mostRounds = 50;
/** No more rounds after this, counted ones. */
const enoughMs = 500;

/** One trial a backend, in their order. Throws the signal's reason when it aborts. */
export async function tryBackends(
  pkg: ModelPackage,
  options: TryOptions,
  signal: AbortSignal,
): Promise<readonly BackendTrial[]> {
  const trials: BackendTrial[] = [];
  for (const backend of cpuBackends) trials.push(await tryBackend(pkg, backend, options, signal));
  return trials;
}

async function tryBackend(
  pkg: ModelPackage,
  backend: CpuBackend,
  { settings, timeoutMs, log }: TryOptions,
  signal: AbortSignal,
): Promise<BackendTrial> {
  signal.throwIfAborted();
  const file = pkg.files.find(({ target, segment }) => target === 'cpu' && segment === undefined);
  if (file === undefined) return refused(backend, 'the package has no whole model for a CPU');
  const late = AbortSignal.timeout(timeoutMs);
  let child: RuntimeChild | undefined;
  const end = (): void => child?.kill();
  for (const one of [signal, late]) one.addEventListener('abort', end, { once: true });
  try {
    child = await startChild(settings, log.with({ trial: packageName(pkg), backend }));
    giveWay(child.pid);
    signal.throwIfAborted();
    return await timed(child, pkg, { backend, path: file.path, sha256: file.sha256 });
  } catch (error) {
    signal.throwIfAborted();
    return refused(backend, late.aborted ? `it did not end within ${timeoutMs} ms` : reasonOf(error));
  } finally {
    signal.removeEventListener('abort', end);
    child?.kill();
    await child?.ended;
  }
}

async function timed(
  child: RuntimeChild,
  pkg: ModelPackage,
  candidate: {
    readonly backend: CpuBackend;
    readonly path: string;
    readonly sha256: ModelPackage['files'][number]['sha256'];
  },
): Promise<BackendTrial> {
  const info = await child.load(handle, [candidate]);
  const timesMs: number[] = [];
  let spentMs = 0;
  for (let round = 0; round < warmRounds + mostRounds && spentMs < enoughMs; round++) {
    const fault = await verifyLoaded(pkg, info, async (inputs) => {
      const result = await child.run(handle, inputs);
      if (round >= warmRounds) {
        timesMs.push(result.inferMs);
        spentMs += result.inferMs;
      }
      return result;
    });
    if (fault !== undefined) return refused(candidate.backend, fault.message);
  }
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { backend: candidate.backend, medianMs: at(0.5), p99Ms: at(0.99), refusal: undefined };
}

function refused(backend: CpuBackend, refusal: string): BackendTrial {
  return { backend, medianMs: 0, p99Ms: 0, refusal };
}

function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // A system that does not let it: the trial is short all the same.
  }
}
