/*
 * All that serves on this node, in one hand: what requests take (serving.ts), what changes it (changes.ts, besides.ts), what
 * watches it (trials.ts), and what can be read of it. Changes of one model happen one after the other; requests never wait for
 * them, except where a model has to be loaded for them first.
 */
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import { createStats } from '../stats.js';
import type { Besides } from './besides.js';
import { createBesides } from './besides.js';
import type { ChangeDeps } from './changes.js';
import { createChanges } from './changes.js';
import type { ModelDescription } from './description.js';
import { describeModel } from './description.js';
import type { TrialPolicy } from './judge.js';
import type { LoaderDeps } from './loader.js';
import { createLoader } from './loader.js';
import type { Owner } from './model-state.js';
import { createNodeModels } from './node-models.js';
import { createResidency } from './residency.js';
import type { ServedVersion } from './served-version.js';
import type { Serving } from './serving.js';
import { createServing } from './serving.js';
import type { Swapper } from './swapper.js';
import { createTrials } from './trials.js';

/** What a manager works with. */
export interface ManagerDeps extends LoaderDeps, Pick<ChangeDeps, 'probe' | 'probeRatio' | 'onServing'> {
  /** How versions on trial are judged; durationMs 0 = a version that takes over is not watched. */
  readonly trial: TrialPolicy;
  /** What all loaded models may take; 0 = no bound. */
  readonly memoryBudgetBytes: number;
  /** Models that never leave memory for others. */
  readonly pinned: readonly string[];
  /** Requests of one model that may wait for it to be loaded. */
  readonly waitLimit: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** See the head of the file. */
export interface SwapManager extends Swapper, Serving {
  /** Versions beside the stable one. */
  readonly besides: Besides;
  /** The swapper of a fleet: what it puts into service is watched by its agent, and is not changed by hand. */
  readonly forFleet: Swapper;
  /** Makes the canary the stable version; FAILED_PRECONDITION when there is none. */
  promote(model: string): Promise<void>;
  /** Loads the stable version anew, when it is still this one and not on trial, and lets it take over from itself. */
  renew(model: string, version: bigint, why: string): Promise<void>;
  /** Who changes a model; undefined for one that is not in service. */
  owner(model: string): Owner | undefined;
  /** Every version that is loaded, with whether it is the one in service. */
  versions(): readonly { readonly served: ServedVersion; readonly inService: boolean }[];
  /** Every model that serves or rests. */
  describe(): readonly ModelDescription[];
  /** Bytes of what is loaded, in all slots, and what they may be; 0 = no bound. */
  readonly memory: { readonly usedBytes: number; readonly budgetBytes: number };
  /** Counts a crash for the versions behind these handles. */
  crashed(handles: readonly string[]): void;
  /** Ends what watches; what serves goes on until the runtime is stopped. */
  stop(): void;
}

/** A manager with nothing loaded. */
export function createSwapManager(deps: ManagerDeps): SwapManager {
  const { log, clock } = deps;
  const models = createNodeModels(deps);
  const loader = createLoader(deps);
  const pinned = new Set(deps.pinned);
  const residency = createResidency({
    models,
    loader,
    pinned,
    log,
    onServing: deps.onServing,
    budgetBytes: deps.memoryBudgetBytes,
    slots: deps.pool.size,
  });
  const trials = createTrials({
    policy: deps.trial,
    clock,
    onFailed: (model, { label, version }, reason) => {
      const ended =
        label === 'stable'
          ? changes.returnFrom(model, version, reason)
          : besides.removeFailed(model, label, version, `${reason.code}: ${reason.message}`);
      ended.catch((error: unknown) => log.error('a failed version could not be left', { model: model.name, error }));
    },
    onPassed: (model, { label, version }) =>
      models.note(model, { kind: 'passed', version, label, reason: 'its trial' }),
  });
  const changing = { ...deps, models, residency, trials, loader, tryNewVersions: deps.trial.durationMs > 0 };
  const changes = createChanges(changing);
  const besides = createBesides(changing);

  const swapper: Swapper = {
    activate: (pkg, signal, onStage) => changes.activate(pkg, 'node', signal, onStage),
    revert: (name) => changes.revert(name),
    retire: (name) => changes.retire(name),
    active(name) {
      const model = models.all.get(name);
      const present = model?.stable ?? model?.resting;
      if (present === undefined) return undefined;
      const { version, manifestSha256 } = present.pkg;
      return { version, manifestSha256, backend: present.info.backend };
    },
    stats(name, version) {
      const recorder = models.all.get(name)?.history.findLast((entry) => entry.version === version)?.stats;
      return (recorder ?? createStats()).snapshot();
    },
  };

  return {
    ...swapper,
    ...createServing({ models, residency, waitLimit: deps.waitLimit }),
    besides,
    forFleet: {
      ...swapper,
      activate: (pkg, signal, onStage) => changes.activate(pkg, 'fleet', signal, onStage),
    },
    promote: (name) => changes.promote(name),
    renew: async (name, version, why) => {
      const model = models.all.get(name);
      await model?.turns.take(async () => {
        if (model.stable?.pkg.version !== version || model.trials.length > 0) return;
        const fault = await residency.renew(model, why);
        if (fault !== undefined) log.warn('a version could not be loaded anew', { model: name, version, ...fault });
      });
    },
    owner(name) {
      const model = models.all.get(name);
      return (model?.stable ?? model?.resting) && model?.owner;
    },
    versions: () =>
      [...models.all.values()].flatMap((model) =>
        model.entries.map((served) => ({ served, inService: served === model.stable })),
      ),
    describe: () =>
      [...models.all.values()]
        .filter(({ entries, resting, decisions }) => entries.length > 0 || resting || decisions.length > 0)
        .map((model) => describeModel(model, clock.monotonicMs(), pinned.has(model.name))),
    memory: residency.memory,
    crashed(handles) {
      for (const { entries } of models.all.values()) {
        for (const entry of entries) if (handles.includes(entry.handle)) entry.stats.crashed();
      }
    },
    stop: () => trials.stop(),
  };
}
