/*
 * One place where models run: a CPU share or an accelerator, held by one child process. A child runs one at a time and has the
 * next at its door, so what waits here has not started. When the child ends or hangs, the run in it fails, a run that had been
 * sent but not begun is sent once more, and a new child takes its place with all models loaded again. A model that does not load
 * again is tried from time to time, because a device or a disk may be back; one that ends every child that loads it is not, unless
 * nothing else is loaded on that device: then it may be the device that ends them. A device that fails a run is opened anew by a
 * new child.
 */
import { setMaxListeners } from 'node:events';
import { AtollError, reasonOf, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ChildSettings, RunResult, RuntimeChild } from './child-process.js';
import { isBeforeRun, isRuntimeGone, runtimeGone, startChild } from './child-process.js';
import type { LoadCheck } from './load-check.js';
import { machineMs } from './messages.js';
import type { Candidate, LoadedInfo } from './messages.js';
import { pause } from './pause.js';
import { createRunLimits } from './run-limit.js';
import { type RunWatch, watchRun } from './run-watch.js';
import { wasUseful } from './useful-life.js';

/** What a slot needs. */
export interface SlotOptions {
  readonly settings: ChildSettings;
  /** A run that takes longer ends the child, and one that takes far longer than its model's last ones. */
  readonly invokeTimeoutMs: number;
  readonly log: Logger;
  /** A child that was started before; default a new one. */
  readonly firstChild?: Promise<RuntimeChild> | undefined;
  /** Told which handles were hit by an unasked end: the one that ran, else all that were loaded; on a device the one that ran alone. */
  readonly onCrash: (handles: readonly string[]) => void;
  /** Told when faultOf may say something else than before. */
  readonly onFault?: () => void;
  /** A load that takes longer ends the child, milliseconds; default 60,000. */
  readonly loadTimeoutMs?: number;
  /** Between trials of a model that does not load again, milliseconds; default 5,000. */
  readonly mendEveryMs?: number;
}

/** See the head of the file. */
export interface Slot {
  /** Process id of the present child; undefined while there is none. */
  readonly pid: number | undefined;
  /** Runs waiting or under way. */
  readonly load: number;
  /** Why runs of a model cannot be answered at present; undefined when nothing is known against it. */
  faultOf(handle: string): string | undefined;
  /** True when a run of this model would begin now or after those before it. */
  ready(handle: string): boolean;
  /**
   * Loads a model and keeps it loaded in every child to come. `check` looks at the model each time that it is loaded, and throws
   * when it may not run.
   */
  open(handle: string, candidates: readonly Candidate[], check?: LoadCheck): Promise<LoadedInfo>;
  /** As open, but a model that does not load is tried again from time to time. */
  keep(handle: string, candidates: readonly Candidate[], check: LoadCheck): Promise<void>;
  /**
   * UNAVAILABLE when the child ends or hangs in it; CANCELLED when `signal` aborts before it was sent. One that is not `patient`
   * does not wait for a new child either: it is UNAVAILABLE at once, because its caller has another place for it.
   */
  run(handle: string, inputs: readonly Uint8Array[], signal: AbortSignal, patient?: boolean): Promise<RunResult>;
  close(handle: string): Promise<void>;
  stop(): Promise<void>;
}

interface Job {
  readonly handle: string;
  readonly inputs: readonly Uint8Array[];
  readonly signal: AbortSignal;
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceMs: number;
  readonly patient: boolean;
  retried: boolean;
}

interface Sent {
  readonly job: Job;
  readonly watch: RunWatch;
}

interface Kept {
  readonly candidates: readonly Candidate[];
  readonly check: LoadCheck;
}

const firstBackoffMs = 100;
const longestBackoffMs = 5_000;
/** Children that may end while they load one model before it is given up: one may have been ended by something else. */
const mostDeadlyLoads = 3;

/** Starts a slot with its first child. */
export async function startSlot(options: SlotOptions): Promise<Slot> {
  const { settings, log, loadTimeoutMs = 60_000 } = options;
  const kept = new Map<string, Kept>();
  const broken = new Map<string, string>();
  /** Kept, and on their way into the child for the first time. */
  const arriving = new Set<string>();
  const deadlyLoads = new Map<string, number>();
  const limits = createRunLimits(options.invokeTimeoutMs);
  /** Why there is no child, once one could not be replaced at once. */
  let down: string | undefined;
  const waiting: Job[] = [];
  const openers: (() => void)[] = [];
  const stopping = new AbortController();
  let child: RuntimeChild | undefined = await (options.firstChild ?? startChild(settings, log));
  /** Sent to the child; the first is at work there. */
  const sent: Sent[] = [];
  /** With the next run at its door a child does not wait for this process between two; what a device loses has another place. */
  const mostSent = settings.device === undefined ? 2 : 1;
  /** Runs of the present child, or of the last one. */
  let answered = 0;
  /** Aborts when there is a child again. */
  let back = new AbortController();

  /** While there is no child nobody takes from the queue, so a caller who goes away leaves it by himself. */
  const waitForChild = (job: Job, first = false): void => {
    if (job.signal.aborted) return job.reject(cancelled());
    if (first) waiting.unshift(job);
    else waiting.push(job);
    const leave = (): void => {
      const at = waiting.indexOf(job);
      if (at < 0) return;
      waiting.splice(at, 1);
      job.reject(cancelled());
    };
    // All that waits listens to the one, and calls of one stream share the other.
    setMaxListeners(0, back.signal, job.signal);
    job.signal.addEventListener('abort', leave, { once: true, signal: back.signal });
  };

  /** The child is gone, and with it the place of runs that have another. */
  const lose = (): void => {
    child = undefined;
    for (const job of waiting.splice(0)) {
      if (job.patient) waitForChild(job);
      else job.reject(runtimeGone(`cannot run ${job.handle}: the runtime process is being replaced`, undefined, false));
    }
  };

  /** Loads what is kept; a model that may not run is not left there. */
  const load = async (target: RuntimeChild, handle: string, { candidates, check }: Kept): Promise<LoadedInfo> => {
    return await inTime(target, handle, async () => {
      const info = await target.load(handle, candidates);
      try {
        await check(info, (inputs) => target.run(handle, inputs));
      } catch (error) {
        await target.unload(handle);
        throw error;
      }
      return info;
    });
  };
  const unload = async (target: RuntimeChild | undefined, handle: string): Promise<void> => {
    if (target !== undefined) await inTime(target, handle, () => target.unload(handle));
  };
  const inTime = async <T>(target: RuntimeChild, handle: string, task: () => Promise<T>): Promise<T> => {
    const late = setTimeout(() => {
      log.error('a model was not loaded or unloaded in time', { handle, loadTimeoutMs });
      target.kill();
    }, loadTimeoutMs);
    try {
      return await task();
    } finally {
      clearTimeout(late);
    }
  };

  const supervise = async (first: RuntimeChild): Promise<void> => {
    let current: RuntimeChild | undefined = first;
    for (let quickEnds = 0; current !== undefined;) {
      const began = performance.now();
      const words = await current.ended;
      lose();
      if (stopping.signal.aborted) return;
      // A device that fails is no fault of what happens to be loaded there.
      const all = settings.device === undefined ? [...kept.keys()] : [];
      const hit = sent[0] === undefined ? all : [sent[0].job.handle];
      log.warn('the runtime process ended unasked', { words, handles: hit });
      options.onCrash(hit);
      quickEnds = wasUseful(performance.now() - began, answered) ? 0 : quickEnds + 1;
      answered = 0;
      current = await replaced(quickEnds);
    }
  };

  /** Tries until a new child holds everything, with growing pauses; undefined when the slot stops. */
  const replaced = async (quickEnds: number): Promise<RuntimeChild | undefined> => {
    for (let failures = quickEnds; !stopping.signal.aborted; failures++) {
      if (failures > 1) await pause(Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 2)), stopping.signal);
      const next = await replacement();
      if (next === undefined) continue;
      child = next;
      down = undefined;
      back.abort();
      back = new AbortController();
      options.onFault?.();
      for (const wake of openers.splice(0)) wake();
      pump();
      return next;
    }
    return undefined;
  };

  /** A new child with what the old one held; a model that no longer loads is broken, the others serve on. */
  const replacement = async (): Promise<RuntimeChild | undefined> => {
    let next: RuntimeChild | undefined;
    const end = (): void => next?.kill();
    stopping.signal.addEventListener('abort', end, { once: true });
    try {
      next = await startChild(settings, log);
      for (const [handle, one] of kept) {
        if (broken.has(handle) || arriving.has(handle)) continue;
        try {
          await load(next, handle, one);
          deadlyLoads.delete(handle);
          // Closed meanwhile, when there was no child to unload it.
          if (kept.get(handle) !== one) await unload(next, handle);
        } catch (error) {
          if (stopping.signal.aborted) throw error;
          log.error('a model could not be loaded again', { handle, error });
          const deadly = isRuntimeGone(error);
          const times = (deadlyLoads.get(handle) ?? 0) + 1;
          const isKept = kept.get(handle) === one;
          if (deadly && isKept) deadlyLoads.set(handle, times);
          if (isKept && (!deadly || times >= mostDeadlyLoads)) broken.set(handle, reasonOf(error));
          if (deadly) throw error;
        }
      }
      if (!stopping.signal.aborted) return next;
    } catch (error) {
      if (stopping.signal.aborted) return undefined;
      log.error('the runtime process could not be replaced', { error });
      down = `the runtime process could not be replaced: ${reasonOf(error)}`;
      options.onFault?.();
    } finally {
      stopping.signal.removeEventListener('abort', end);
    }
    next?.kill();
    return undefined;
  };

  /** A model that ended its children is left alone, but on a device where nothing runs: that may have been the device. */
  const isHopeless = (handle: string): boolean =>
    (deadlyLoads.get(handle) ?? 0) >= mostDeadlyLoads && (settings.device === undefined || broken.size < kept.size);

  /** Tries again what did not load, beside what runs. */
  const mend = async (): Promise<void> => {
    const target = child;
    for (const handle of broken.keys()) {
      const one = kept.get(handle);
      if (target === undefined || one === undefined || isHopeless(handle)) continue;
      try {
        await load(target, handle, one);
        if (kept.get(handle) === one) broken.delete(handle);
        else await unload(target, handle);
        if (settings.device === undefined) deadlyLoads.delete(handle);
        else deadlyLoads.clear();
        options.onFault?.();
        log.info('a model is loaded again', { handle });
      } catch (error) {
        if (isRuntimeGone(error)) deadlyLoads.set(handle, (deadlyLoads.get(handle) ?? 0) + 1);
        if (kept.get(handle) === one) broken.set(handle, reasonOf(error));
        log.debug('a model still does not load', { handle, reason: reasonOf(error) });
      }
    }
  };
  const mending = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(options.mendEveryMs ?? 5_000, stopping.signal);
      if (!stopping.signal.aborted) await mend();
    }
  })();

  const pump = (): void => {
    while (sent.length < mostSent && child !== undefined) {
      const job = waiting.shift();
      if (job === undefined) return;
      if (job.signal.aborted) {
        job.reject(cancelled());
        continue;
      }
      const why = broken.get(job.handle);
      if (why !== undefined) {
        job.reject(new AtollError('UNAVAILABLE', `cannot run ${job.handle}: it could not be loaded again: ${why}`));
        continue;
      }
      const target = child;
      const watched = { pid: target.pid, onDevice: settings.device !== undefined, kill: () => target.kill() };
      const run = { job, watch: watchRun(limits.of(job.handle), watched) };
      sent.push(run);
      sent[0]?.watch.begin();
      void execute(target, run).finally(() => {
        sent.splice(sent.indexOf(run), 1);
        sent[0]?.watch.begin();
        pump();
      });
    }
  };

  const execute = async (target: RuntimeChild, { job, watch }: Sent): Promise<void> => {
    const sentMs = machineMs();
    try {
      const result = await target.run(job.handle, job.inputs);
      answered++;
      const firstMs = Math.max(sentMs, watch.beganMs ?? sentMs);
      limits.took(job.handle, machineMs() - firstMs);
      const inputMs = Math.max(0, result.inputMs - (firstMs - sentMs));
      const { outputs, backend, device, inferMs, outputMs } = result;
      job.resolve({ outputs, backend, device, queueMs: firstMs - job.sinceMs, inputMs, inferMs, outputMs });
    } catch (error) {
      const lost = isRuntimeGone(error);
      // What the library says of a run on a device is most likely of the device, which only a new child can open anew.
      const deviceFailed = settings.device !== undefined && toAtollError(error).code === 'INTERNAL';
      if (deviceFailed) target.kill();
      if ((lost || deviceFailed) && child === target) lose();
      if (isBeforeRun(error) && job.patient && !job.retried && !stopping.signal.aborted) {
        job.retried = true;
        if (child === undefined) waitForChild(job, true);
        else waiting.unshift(job);
      } else {
        const why = watch.hung ?? reasonOf(error);
        job.reject(lost ? runtimeGone(`cannot run ${job.handle}: ${why}`, error) : error);
      }
    } finally {
      watch.end();
    }
  };

  const supervised = supervise(child);
  return {
    get pid() {
      return child?.pid;
    },
    get load() {
      return waiting.length + sent.length;
    },
    ready: (handle) => child !== undefined && kept.has(handle) && !broken.has(handle) && !arriving.has(handle),
    faultOf: (handle) => down ?? broken.get(handle),
    async open(handle, candidates, check = () => undefined) {
      if (child === undefined) await new Promise<void>((resolve) => openers.push(resolve));
      if (child === undefined) throw stopped();
      const one = { candidates, check };
      const info = await load(child, handle, one);
      kept.set(handle, one);
      return info;
    },
    async keep(handle, candidates, check) {
      if (child === undefined) await new Promise<void>((resolve) => openers.push(resolve));
      if (child === undefined) throw stopped();
      const one = { candidates, check };
      kept.set(handle, one);
      arriving.add(handle);
      try {
        await load(child, handle, one);
        if (kept.get(handle) !== one) await unload(child, handle);
      } catch (error) {
        if (kept.get(handle) === one) broken.set(handle, reasonOf(error));
        throw error;
      } finally {
        arriving.delete(handle);
        options.onFault?.();
      }
    },
    run: (handle, inputs, signal, patient = true) =>
      new Promise((resolve, reject) => {
        if (stopping.signal.aborted) return reject(stopped());
        if (!patient && child === undefined)
          return reject(runtimeGone(`cannot run ${handle}: there is no runtime process`, undefined, false));
        const job = { handle, inputs, signal, resolve, reject, sinceMs: machineMs(), patient, retried: false };
        if (child === undefined) return waitForChild(job);
        waiting.push(job);
        pump();
      }),
    async close(handle) {
      kept.delete(handle);
      broken.delete(handle);
      deadlyLoads.delete(handle);
      limits.forget(handle);
      await unload(child, handle);
    },
    async stop() {
      stopping.abort();
      back.abort();
      for (const job of waiting.splice(0)) job.reject(stopped());
      for (const wake of openers.splice(0)) wake();
      child?.kill();
      await Promise.all([supervised, mending]);
    },
  };
}

function stopped(): AtollError {
  return new AtollError('UNAVAILABLE', 'cannot use the runtime: the node is stopping');
}

function cancelled(): AtollError {
  return new AtollError('CANCELLED', 'cannot run: the caller went away');
}
