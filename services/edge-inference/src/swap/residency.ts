/*
 * Brings the stable version of a model in and out: follows the policy that the memory budget allows until the version that comes
 * serves alone, brings the old one back when the new one fails after the old had to leave first, lets a model rest that has to
 * make room for others, and loads it again for the next request. Every function here is called within the model's own turn.
 */
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import type { Loader } from './loader.js';
import { createMemory } from './memory.js';
import type { Memory } from './memory.js';
import type { Entry, Model, Needs } from './model-state.js';
import type { NodeModels } from './node-models.js';
import { nextAction } from './policy.js';
import type { StatsRecorder } from '../stats.js';
import type { SwapPolicy } from './state.js';

/** See the head of the file. */
export interface Residency {
  readonly memory: Memory;
  /** Until the package serves alone, or its fault when it does not and the one before serves on or again. */
  bring(model: Model, pkg: ModelPackage, needs: Needs, why: string): Promise<PackageFault | undefined>;
  /** The same for what rests; nothing to do when nothing does. */
  wake(model: Model): Promise<PackageFault | undefined>;
  /**
   * Loads the stable version anew beside itself and lets it take over from itself, its numbers going on, as when it has a better
   * backend. Only where there is room for both; a fault leaves what serves.
   */
  renew(model: Model, why: string): Promise<PackageFault | undefined>;
  /** Makes a version that is loaded already the one that requests go to, and lets the one before leave. */
  install(model: Model, entry: Entry, why: string): Promise<void>;
  /** Drains and frees a version that is given to no new request. */
  leave(model: Model, entry: Entry): Promise<void>;
}

/** What it works with. */
export interface ResidencyDeps {
  readonly models: NodeModels;
  readonly loader: Loader;
  readonly budgetBytes: number;
  readonly slots: number;
  readonly pinned: ReadonlySet<string>;
  /** Told whenever a version comes, takes over or has left. */
  readonly onServing: () => void;
  readonly log: Logger;
}

const historyLength = 8;

/** See the head of the file. */
export function createResidency(deps: ResidencyDeps): Residency {
  const { models, loader, log } = deps;

  const leave = async (model: Model, entry: Entry): Promise<void> => {
    if (model.stable === entry) {
      model.stable = undefined;
      const { pkg, info, needs, stats } = entry;
      model.resting = { pkg, info, needs, stats };
    }
    await loader.free(entry);
    model.entries = model.entries.filter((other) => other !== entry);
    log.info('out of service', { model: model.name, version: entry.pkg.version });
    deps.onServing();
  };

  const flip = (model: Model, entry: Entry, why: string): void => {
    for (const other of stableTrack(model)) other.aspired = other === entry;
    entry.aspired = true;
    const before = model.stable ?? model.resting;
    if (before !== undefined && before.pkg !== entry.pkg) model.previous = previousFor(model, entry, before);
    model.stable = entry;
    model.resting = undefined;
    const known = model.history.filter(({ stats }) => stats !== entry.stats);
    model.history = [...known, { version: entry.pkg.version, stats: entry.stats }].slice(-historyLength);
    deps.onServing();
    const reason = `${why}, on ${entry.info.backend}`;
    const kind = before?.pkg === entry.pkg ? 'reloaded' : 'stable';
    models.note(model, { kind, version: entry.pkg.version, label: 'stable', reason });
  };

  /** Takes the steps that the policy names. */
  const follow = async (
    model: Model,
    { pkg, needs, stats, why }: Coming,
    policy: SwapPolicy,
  ): Promise<PackageFault | undefined> => {
    for (let arrived = false; ;) {
      const known = stableTrack(model).map(({ pkg: { version }, state, aspired }) => ({
        version,
        state,
        aspired: aspired && arrived,
      }));
      const coming = { version: pkg.version, state: 'wanted', aspired: true } as const;
      const action = nextAction(arrived ? known : [...known, coming], policy);
      switch (action.kind) {
        case 'none':
          return undefined;
        case 'load': {
          const loaded = await loader.load(pkg, needs, stats);
          if ('fault' in loaded) return loaded.fault;
          model.entries.push(loaded.entry);
          flip(model, loaded.entry, why);
          arrived = true;
          break;
        }
        case 'unload': {
          const leaving = stableTrack(model).find(
            (entry) => entry.pkg.version === action.version && !(entry.aspired && arrived),
          );
          if (leaving === undefined) return undefined;
          await leave(model, leaving);
          break;
        }
      }
    }
  };

  const come = async (model: Model, coming: Coming): Promise<PackageFault | undefined> => {
    const before = model.stable;
    const placed = await memory.withRoom(model, coming.needs.memoryBytes, stableTrack(model), async (policy) => {
      const fault = await follow(model, coming, policy);
      if (fault === undefined || before === undefined || model.stable !== undefined) return fault;
      const why = `v${coming.pkg.version} failed where ${packageName(before.pkg)} had to make room for it`;
      const lost = await follow(model, { ...before, why }, policy);
      if (lost !== undefined) log.error('the version before does not come back', { model: model.name, ...lost });
      return fault;
    });
    return placed.kind === 'none' ? { reason: 'NO_ROOM', message: placed.reason } : placed.result;
  };

  const memory = createMemory({
    ...deps,
    models: models.all,
    async rest(model) {
      const { stable } = model;
      if (stable === undefined) return;
      models.note(model, {
        kind: 'evicted',
        version: stable.pkg.version,
        label: 'stable',
        reason: 'the least recently used model makes room for another; its next request loads it again',
      });
      await leave(model, stable);
    },
  });

  return {
    memory,
    leave,
    bring: (model, pkg, needs, why) => come(model, { pkg, needs, why, stats: undefined }),
    async wake(model) {
      const { resting } = model;
      if (resting === undefined || model.stable !== undefined) return undefined;
      return await come(model, { ...resting, why: 'loaded again for a request' });
    },
    async renew(model, why) {
      const { stable } = model;
      if (stable === undefined) return undefined;
      const { usedBytes, budgetBytes } = memory;
      if (budgetBytes > 0 && usedBytes + stable.needs.memoryBytes * deps.slots > budgetBytes) return undefined;
      const { pkg, needs, stats } = stable;
      return await follow(model, { pkg, needs, stats, why }, 'availability-preserving');
    },
    async install(model, entry, why) {
      const leaving = stableTrack(model).filter((other) => other !== entry);
      flip(model, entry, why);
      for (const other of leaving) await leave(model, other);
    },
  };
}

interface Coming {
  readonly pkg: ModelPackage;
  readonly needs: Needs;
  readonly stats: StatsRecorder | undefined;
  readonly why: string;
}

/** What a revert of the coming version brings back. */
function previousFor(
  { failed, previous }: Model,
  coming: Entry,
  before: Pick<Entry, 'pkg' | 'needs'>,
): Model['previous'] {
  if (!failed.has(before.pkg)) return { pkg: before.pkg, needs: before.needs };
  return previous?.pkg.version === coming.pkg.version ? undefined : previous;
}

/** What is, was or becomes the stable version: all but canary and shadow. */
function stableTrack(model: Model): readonly Entry[] {
  return model.entries.filter((entry) => entry !== model.canary?.entry && entry !== model.shadow?.entry);
}
