/*
 * What this node knows of backends and models. A model is served at once, by the usual order or by what earlier trials say; when
 * there were none, they are made beside, one model at a time, and hold from the next load on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { BackendTrial, CpuBackend } from './choose.js';
import { choiceInWords, chooseBackend } from './choose.js';
import type { KnownTrials } from './known-trials.js';

/** See the head of the file. */
export interface BackendChoices {
  /** Reads what is known; before a package is loaded. */
  recall(pkg: ModelPackage): Promise<void>;
  /** The backend to open it with first; undefined = the usual order. */
  preferred(pkg: ModelPackage): CpuBackend | undefined;
  /** Empty while there were none. */
  trialsOf(pkg: ModelPackage): readonly BackendTrial[];
  /** Has trials made beside for what was not tried of all that serves; what had to wait and serves no more is left out. */
  consider(serving: readonly ModelPackage[]): void;
  /** Ends trials that are under way. */
  stop(): Promise<void>;
}

/** What it works with. */
export interface BackendChoicesDeps {
  readonly known: KnownTrials;
  readonly tryAll: (pkg: ModelPackage, signal: AbortSignal) => Promise<readonly BackendTrial[]>;
  /** Told of trials that were just made. */
  readonly onTried: (pkg: ModelPackage, trials: readonly BackendTrial[]) => Promise<void>;
  readonly log: Logger;
  /** How long after a model was put into service its trials begin, so that they disturb no start and no swap. */
  readonly settleMs: number;
  /** How long after trials that said nothing they are made again. */
  readonly againMs: number;
}

/** What is remembered in memory. */
const mostKept = 256;

/** None known yet. */
export function createBackendChoices(deps: BackendChoicesDeps): BackendChoices {
  const { known, tryAll, onTried, log, settleMs, againMs } = deps;
  const trials = new Map<string, readonly BackendTrial[]>();
  /** Their trials said nothing; forgotten all at once, after a while. */
  const failed = new Set<string>();
  let again: NodeJS.Timeout | undefined;
  let serving: readonly ModelPackage[] = [];
  let working: Promise<void> | undefined;
  const stopping = new AbortController();
  const { signal } = stopping;

  const remember = (pkg: ModelPackage, made: readonly BackendTrial[]): void => {
    trials.set(keyOf(pkg), made);
    for (const [oldest] of trials) {
      if (trials.size <= mostKept) break;
      trials.delete(oldest);
    }
  };
  const recall = async (pkg: ModelPackage): Promise<boolean> => {
    if (trials.has(keyOf(pkg))) return true;
    const found = await known.find(pkg);
    if (found !== undefined) remember(pkg, found);
    return found !== undefined;
  };

  const fail = (pkg: ModelPackage): void => {
    failed.add(keyOf(pkg));
    again ??= setTimeout(() => {
      again = undefined;
      failed.clear();
      begin();
    }, againMs).unref();
  };

  const makeTrials = async (pkg: ModelPackage): Promise<void> => {
    const made = await tryAll(pkg, signal);
    if (chooseBackend(made) === undefined) {
      // None can run what is served: its files are gone, so this says nothing.
      fail(pkg);
      return;
    }
    remember(pkg, made);
    log.info('backends tried', { model: packageName(pkg), choice: choiceInWords(made) });
    await known.keep(pkg, made);
    await onTried(pkg, made);
  };
  const untried = (): ModelPackage | undefined =>
    serving.find((pkg) => !trials.has(keyOf(pkg)) && !failed.has(keyOf(pkg)));
  const work = async (): Promise<void> => {
    while (untried() !== undefined) {
      await delay(settleMs, undefined, { signal, ref: false });
      const pkg = untried();
      if (pkg === undefined || (await recall(pkg))) continue;
      try {
        await makeTrials(pkg);
      } catch (error) {
        signal.throwIfAborted();
        log.warn('backends could not be tried', { model: packageName(pkg), reason: reasonOf(error) });
        if (!trials.has(keyOf(pkg))) fail(pkg);
      }
    }
  };
  const begin = (): void => {
    if (working !== undefined || signal.aborted || untried() === undefined) return;
    working = work()
      .catch((error: unknown) => {
        if (!signal.aborted) log.error('trials of backends have ended', { error });
      })
      .finally(() => {
        working = undefined;
        begin(); // what was asked for meanwhile
      });
  };

  return {
    recall: async (pkg) => void (await recall(pkg)),
    preferred: (pkg) => chooseBackend(trials.get(keyOf(pkg)) ?? []),
    trialsOf: (pkg) => trials.get(keyOf(pkg)) ?? [],
    consider(now) {
      serving = now;
      begin();
    },
    async stop() {
      stopping.abort();
      clearTimeout(again);
      await working;
    },
  };
}

function keyOf({ files }: ModelPackage): string {
  return files.map(({ sha256 }) => sha256).join();
}
