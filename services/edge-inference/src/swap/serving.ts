/*
 * Gives requests their version: the one they name, or by the traffic split; a model that rests is loaded again first, once for
 * all who wait for it. A request holds its version from here to its answer, so a swap never changes it under way.
 */
import { AtollError } from '@atoll/base/error';
import { packageName } from '../models/model-package.js';
import type { Beside, Entry, Model } from './model-state.js';
import { entryOf, wantsResting } from './model-state.js';
import type { NodeModels } from './node-models.js';
import type { Residency } from './residency.js';
import type { LeasedVersion, ServedVersion } from './served-version.js';
import type { VersionTarget } from './target.js';
import { targetName } from './target.js';

/** See the head of the file. */
export interface Serving {
  /**
   * The version that the target names, else the one that the model's traffic split gives this request (the same one for the
   * same route key); NOT_FOUND when this node does not serve it. It settles at once unless the model has to be loaded again:
   * then RESOURCE_EXHAUSTED when too many wait for that already, and UNAVAILABLE when it does not load.
   */
  acquire(model: string, target: VersionTarget, routeKey?: string): LeasedVersion | Promise<LeasedVersion>;
  /** What acquire would give, to look at only: it counts as no use, loads nothing and holds nothing. */
  find(model: string, target: VersionTarget): Pick<ServedVersion, 'pkg' | 'info' | 'stats'>;
}

/** What it works with. */
export interface ServingDeps {
  readonly models: NodeModels;
  readonly residency: Residency;
  /** Requests of one model that may wait for it to be loaded. */
  readonly waitLimit: number;
}

interface Waiter {
  readonly target: VersionTarget;
  readonly routeKey: string | undefined;
  readonly resolve: (leased: LeasedVersion) => void;
  readonly reject: (error: unknown) => void;
}

/** See the head of the file. */
export function createServing({ models, residency, waitLimit }: ServingDeps): Serving {
  const waiting = new Map<Model, Waiter[]>();

  const take = (model: Model, target: VersionTarget, routeKey: string | undefined): LeasedVersion | undefined => {
    const { canary } = model;
    const split = target === undefined && canary !== undefined && canary.dealer.takes(canary.percent, routeKey);
    const leased = (split ? lease(canary.entry) : undefined) ?? lease(entryOf(model, target));
    if (leased === undefined) return undefined;
    models.used(model);
    const shadow = target === undefined && leased.served === model.stable ? shadowOf(model.shadow) : undefined;
    return shadow === undefined ? leased : { ...leased, shadow };
  };

  const wake = (model: Model): Waiter[] => {
    const waiters: Waiter[] = [];
    waiting.set(model, waiters);
    const work = model.turns.take(async () => {
      const fault = await residency.wake(model);
      waiting.delete(model);
      // Here, within the turn: what was loaded for these requests cannot leave for another model before they have it.
      for (const { target, routeKey, resolve, reject } of waiters) {
        const leased = take(model, target, routeKey);
        if (leased !== undefined) resolve(leased);
        else if (fault === undefined) reject(notServed(models, model.name, target));
        else {
          const code = fault.reason === 'NO_ROOM' ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE';
          reject(new AtollError(code, `cannot load ${targetName(model.name, target)} again: ${fault.message}`));
        }
      }
    });
    work.catch((error: unknown) => {
      waiting.delete(model);
      for (const { reject } of waiters) reject(error);
    });
    return waiters;
  };

  const whenLoaded = (model: Model, target: VersionTarget, routeKey: string | undefined): Promise<LeasedVersion> => {
    const waiters = waiting.get(model) ?? wake(model);
    if (waiters.length >= waitLimit) {
      const name = targetName(model.name, target);
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        `cannot run ${name}: ${waiters.length} requests wait for it to be loaded`,
      );
    }
    return new Promise((resolve, reject) => waiters.push({ target, routeKey, resolve, reject }));
  };

  return {
    acquire(name, target, routeKey) {
      const model = models.all.get(name);
      if (model === undefined) throw notServed(models, name, target);
      const leased = take(model, target, routeKey);
      if (leased !== undefined) return leased;
      if (model.resting === undefined || !wantsResting(model.resting, target)) throw notServed(models, name, target);
      return whenLoaded(model, target, routeKey);
    },
    find(name, target) {
      const model = models.all.get(name);
      const resting = model?.resting;
      const found =
        (model && entryOf(model, target)) ?? (resting && wantsResting(resting, target) ? resting : undefined);
      if (found === undefined) throw notServed(models, name, target);
      return found;
    },
  };
}

function lease(entry: Entry | undefined): LeasedVersion | undefined {
  const held = entry?.leases.acquire();
  return entry && held && { served: entry, release: () => held.release() };
}

function shadowOf(shadow: Beside | undefined): LeasedVersion | undefined {
  return shadow?.dealer.takes(shadow.percent) === true ? lease(shadow.entry) : undefined;
}

function notServed(models: NodeModels, name: string, target: VersionTarget): AtollError {
  const serving = [...models.all.values()].flatMap(({ stable, resting }) => {
    const pkg = (stable ?? resting)?.pkg;
    return pkg === undefined ? [] : [packageName(pkg)];
  });
  return new AtollError(
    'NOT_FOUND',
    `cannot find ${targetName(name, target)}: this node serves ${serving.join(', ') || 'nothing yet'}`,
  );
}
