/*
 * Carries out what policy.ts decides: loads beside, checks on the very backend that will serve, flips, drains, frees. All
 * changes of one model happen one after the other; requests never wait for them.
 */
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import { verifyLoaded } from '../models/verify.js';
import { isRuntimeGone } from '../runtime/child-process.js';
import type { Candidate } from '../runtime/messages.js';
import type { SlotPool } from '../runtime/pool.js';
import type { ProbeResult } from '../runtime/probe.js';
import type { StatsRecorder, VersionStats } from '../stats.js';
import { createStats } from '../stats.js';
import { createLeaseCounter } from './lease.js';
import { nextAction } from './policy.js';
import type { LeasedVersion, ServedVersion } from './served-version.js';
import type { VersionState } from './state.js';
import type { ActivateResult, Swapper } from './swapper.js';
import type { VersionTarget } from './target.js';
import { targetName } from './target.js';

/** What a manager works with. */
export interface ManagerDeps {
  readonly pool: SlotPool;
  readonly candidatesOf: (pkg: ModelPackage) => readonly Candidate[];
  /** Tries a package apart from what serves. */
  readonly probe: (pkg: ModelPackage, signal: AbortSignal) => Promise<ProbeResult>;
  /** Told when a model begins to serve, and when none of its versions does any more. */
  readonly onServing: (model: string, serving: boolean) => void;
  readonly log: Logger;
}

/** The swapper, and what requests need of it. */
export interface SwapManager extends Swapper {
  /**
   * The version that the target names, else the one that the model's traffic split gives this request (the same one for the
   * same route key); NOT_FOUND when this node does not serve it. It settles at once unless the model has to be loaded again.
   */
  acquire(model: string, target: VersionTarget, routeKey?: string): LeasedVersion | Promise<LeasedVersion>;
  /** What acquire would give, to look at only: it counts as no use, loads nothing and holds nothing. */
  find(model: string, target: VersionTarget): ServedVersion;
  /** Every version that is loaded or on its way, with whether it is the one in service. */
  versions(): readonly { readonly served: ServedVersion; readonly inService: boolean }[];
  /** Counts a crash for the versions behind these handles. */
  crashed(handles: readonly string[]): void;
}

interface Entry extends ServedVersion {
  state: VersionState;
  aspired: boolean;
}

interface Model {
  readonly name: string;
  entries: Entry[];
  active: Entry | undefined;
  previous: ModelPackage | undefined;
  /** Recorders of the versions last in service, newest last. */
  history: { version: bigint; stats: StatsRecorder }[];
  tail: Promise<unknown>;
}

const historyLength = 8;
const never = new AbortController().signal;

/** A manager with nothing loaded. */
export function createSwapManager(deps: ManagerDeps): SwapManager {
  const models = new Map<string, Model>();
  let loads = 0;

  const modelOf = (name: string): Model => {
    const known = models.get(name);
    if (known !== undefined) return known;
    const model: Model = {
      name,
      entries: [],
      active: undefined,
      previous: undefined,
      history: [],
      tail: Promise.resolve(),
    };
    models.set(name, model);
    return model;
  };
  const inTurn = <T>(model: Model, task: () => Promise<T>): Promise<T> => {
    const mine = model.tail.then(task);
    model.tail = mine.catch(() => undefined);
    return mine;
  };

  /** Loads a version beside the others and checks it where it will serve. */
  const load = async (model: Model, pkg: ModelPackage): Promise<PackageFault | undefined> => {
    const handle = `${packageName(pkg)} #${++loads}`;
    try {
      const info = await deps.pool.open(handle, deps.candidatesOf(pkg));
      const fault = await verifyLoaded(pkg, info, (inputs) => deps.pool.run(handle, inputs, never));
      if (fault === undefined) {
        const entry: Entry = {
          pkg,
          handle,
          info,
          stats: createStats(),
          leases: createLeaseCounter(),
          state: 'ready',
          aspired: true,
        };
        model.entries.push(entry);
        flip(model, entry);
        return undefined;
      }
      await deps.pool.close(handle);
      return fault;
    } catch (error) {
      await deps.pool
        .close(handle)
        .catch((reason: unknown) => deps.log.warn('a model could not be unloaded', { handle, error: reason }));
      return { reason: isRuntimeGone(error) ? 'CRASHED' : 'LOAD_FAILED', message: reasonOf(error) };
    }
  };

  const flip = (model: Model, entry: Entry): void => {
    for (const other of model.entries) other.aspired = other === entry;
    if (model.active !== undefined) model.previous = model.active.pkg;
    model.active = entry;
    model.history = [...model.history, { version: entry.pkg.version, stats: entry.stats }].slice(-historyLength);
    deps.onServing(model.name, true);
    deps.log.info('in service', { model: model.name, version: entry.pkg.version, backend: entry.info.backend });
  };

  const unload = async (model: Model, entry: Entry): Promise<void> => {
    entry.state = 'draining';
    await entry.leases.retire();
    model.entries = model.entries.filter((other) => other !== entry);
    entry.state = 'gone';
    try {
      await deps.pool.close(entry.handle);
    } catch (error) {
      // The child that held it has ended, and the next one will not load it.
      deps.log.warn('a model could not be unloaded', { handle: entry.handle, error });
    }
    deps.log.info('out of service', { model: model.name, version: entry.pkg.version });
  };

  /** Follows the policy until the package serves alone, or its load failed and nothing has changed. */
  const bring = async (model: Model, pkg: ModelPackage): Promise<PackageFault | undefined> => {
    for (let arrived = false; ;) {
      const known = model.entries.map(({ pkg: { version }, state, aspired }) => ({
        version,
        state,
        aspired: aspired && arrived,
      }));
      const action = nextAction(arrived ? known : [...known, { version: pkg.version, state: 'wanted', aspired: true }]);
      switch (action.kind) {
        case 'none':
          return undefined;
        case 'load': {
          const fault = await load(model, pkg);
          if (fault !== undefined) return fault;
          arrived = true;
          break;
        }
        case 'unload': {
          const leaving = model.entries.find((entry) => entry.pkg.version === action.version && !entry.aspired);
          if (leaving === undefined) return undefined;
          await unload(model, leaving);
          break;
        }
      }
    }
  };

  const isActive = (model: Model, pkg: ModelPackage): boolean =>
    model.active?.pkg.version === pkg.version && model.active.pkg.manifestSha256 === pkg.manifestSha256;

  const failed = (pkg: ModelPackage, fault: PackageFault): ActivateResult => {
    deps.log.warn('not put into service', { model: pkg.model, version: pkg.version, ...fault });
    return { outcome: 'failed', reason: fault.reason, message: `cannot serve ${packageName(pkg)}: ${fault.message}` };
  };

  return {
    activate: (pkg, signal, onStage = () => undefined) => {
      const model = modelOf(pkg.model);
      return inTurn(model, async (): Promise<ActivateResult> => {
        if (model.active !== undefined && isActive(model, pkg)) {
          return { outcome: 'ok', backend: model.active.info.backend };
        }
        if (model.active?.pkg.version === pkg.version) {
          return failed(pkg, { reason: 'BAD_PACKAGE', message: 'this version is in service with another manifest' });
        }
        onStage('probing');
        const { fault } = await deps.probe(pkg, signal);
        if (fault !== undefined) return failed(pkg, fault);
        signal.throwIfAborted();
        onStage('swapping');
        const second = await bring(model, pkg);
        if (second !== undefined) return failed(pkg, second);
        return { outcome: 'ok', backend: model.active?.info.backend ?? '' };
      });
    },
    revert: (name) => {
      const model = modelOf(name);
      return inTurn(model, async () => {
        const { previous } = model;
        if (previous === undefined) {
          throw new AtollError('FAILED_PRECONDITION', `cannot revert ${name}: no version was in service before`);
        }
        const fault = await bring(model, previous);
        if (fault !== undefined) {
          throw new AtollError('FAILED_PRECONDITION', `cannot revert to ${packageName(previous)}: ${fault.message}`);
        }
        model.previous = undefined; // what was left behind is not gone back to
      });
    },
    retire: (name) => {
      const model = modelOf(name);
      return inTurn(model, async () => {
        for (const entry of model.entries) entry.aspired = false;
        model.active = undefined;
        model.previous = undefined;
        deps.onServing(name, false);
        for (const entry of model.entries) await unload(model, entry);
      });
    },
    active(name) {
      const active = models.get(name)?.active;
      if (active === undefined) return undefined;
      const { version, manifestSha256 } = active.pkg;
      return { version, manifestSha256, backend: active.info.backend };
    },
    stats(name, version): VersionStats {
      const recorder = models.get(name)?.history.findLast((entry) => entry.version === version)?.stats;
      return (recorder ?? createStats()).snapshot();
    },
    acquire(name, target) {
      const entry = entryOf(models.get(name), target);
      const lease = entry?.leases.acquire();
      if (entry !== undefined && lease !== undefined) return { served: entry, release: () => lease.release() };
      throw notServed(name, target, [...models.values()]);
    },
    find(name, target) {
      const entry = entryOf(models.get(name), target);
      if (entry === undefined) throw notServed(name, target, [...models.values()]);
      return entry;
    },
    versions: () =>
      [...models.values()].flatMap((model) =>
        model.entries.map((served) => ({ served, inService: served === model.active })),
      ),
    crashed(handles) {
      for (const { entries } of models.values()) {
        for (const entry of entries) if (handles.includes(entry.handle)) entry.stats.crashed();
      }
    },
  };
}

function entryOf(model: Model | undefined, target: VersionTarget): Entry | undefined {
  if (target === undefined || 'label' in target)
    return target === undefined || target.label === 'stable' ? model?.active : undefined;
  return model?.entries.findLast(({ pkg }) => pkg.version === target.version);
}

function notServed(name: string, target: VersionTarget, models: readonly Model[]): AtollError {
  const serving = models.flatMap(({ active }) => (active === undefined ? [] : [packageName(active.pkg)]));
  return new AtollError(
    'NOT_FOUND',
    `cannot find ${targetName(name, target)}: this node serves ${serving.join(', ') || 'nothing yet'}`,
  );
}
