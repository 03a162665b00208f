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
  /** Has trials made beside for what was not tried. */
  consider(pkg: ModelPackage): void;
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
}

/** What is remembered in memory. */
const mostKept = 256;

/** None known yet. */
export function createBackendChoices({ known, tryAll, onTried, log, settleMs }: BackendChoicesDeps): BackendChoices {
  const trials = new Map<string, readonly BackendTrial[]>();
  const considered = new Set<string>();
  const stopping = new AbortController();
  let underWay = Promise.resolve();

  const remember = (pkg: ModelPackage, made: readonly BackendTrial[]): void => {
    trials.set(keyOf(pkg), made);
    for (const [oldest] of trials) {
      if (trials.size <= mostKept) break;
      trials.delete(oldest);
      considered.delete(oldest);
    }
  };

  const tried = async (pkg: ModelPackage): Promise<void> => {
    if (trials.has(keyOf(pkg))) return;
    try {
      await delay(settleMs, undefined, { signal: stopping.signal, ref: false });
      const made = await tryAll(pkg, stopping.signal);
      // None can run what is served: its files are gone, so this says nothing.
      if (chooseBackend(made) === undefined) return;
      remember(pkg, made);
      log.info('backends tried', { model: packageName(pkg), choice: choiceInWords(made) });
      await known.keep(pkg, made);
      await onTried(pkg, made);
    } catch (error) {
      if (!stopping.signal.aborted)
        log.warn('backends could not be tried', { model: packageName(pkg), reason: reasonOf(error) });
    }
  };

  return {
    async recall(pkg) {
      if (trials.has(keyOf(pkg))) return;
      const found = await known.find(pkg);
      if (found !== undefined) remember(pkg, found);
    },
    preferred: (pkg) => chooseBackend(trials.get(keyOf(pkg)) ?? []),
    trialsOf: (pkg) => trials.get(keyOf(pkg)) ?? [],
    consider(pkg) {
      if (considered.has(keyOf(pkg))) return;
      considered.add(keyOf(pkg));
      underWay = underWay.then(() => tried(pkg));
    },
    async stop() {
      stopping.abort();
      await underWay;
    },
  };
}

function keyOf({ files }: ModelPackage): string {
  return files.map(({ sha256 }) => sha256).join();
}
