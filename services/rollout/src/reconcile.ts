/**
 * Brings every rollout from what it is to what it shall be: looks at everything, decides, writes, and looks again until nothing
 * is left to do. It is driven by levels, not by edges: a lost wake-up costs seconds, never a step. What a look costs goes with
 * what is new, not with the size of the fleet.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@atoll/base/log';
import { apply, type Stores } from './apply.js';
import { decide } from './decide/decide.js';
import type { Rollout } from './decide/rollout.js';
import type { Fleet } from './fleet/fleet.js';
import { firstPortion, portion } from './portion.js';
import { createTracking, type Occasion, type Tracking } from './tracking.js';

/** What reconciling works on. */
export interface ReconcilerOptions {
  readonly stores: Stores;
  readonly fleet: Pick<Fleet, 'view' | 'takeNews'>;
  /** Told of the nodes whose desired state is new, after it is durable. */
  readonly publish: (nodeIds: readonly string[]) => void;
  /** Told that another look is due at once. */
  readonly wake: () => void;
  readonly log: Logger;
}

/** Looks at the rollouts. */
export interface Reconciler {
  /** One look; true when something may look different after it. A `sweep` is a look at what time alone has changed, too. */
  look(sweep: boolean): boolean;
}

/** Steps of one rollout in one look: far more than it can have, so that a rule that never settles is found and not spun on. */
const maxSteps = 1_000;
/** Sweeps from one that judges every node again to the next. */
const sweepsToAll = 15;

/** A reconciler that has seen nothing yet. */
export function createReconciler({ stores, fleet, publish, wake, log }: ReconcilerOptions): Reconciler {
  const { rollouts } = stores;
  const trackings = new Map<string, Tracking>();
  let sweeps = 0;

  /** Takes one rollout one step on; 'portion' when it may have much more to do. */
  const step = (rollout: Rollout, tracking: Tracking, occasion: Occasion): 'settled' | 'moved' | 'portion' => {
    const view = fleet.view();
    const { board, changes, isNew } = tracking.judge(rollout, view, occasion);
    if (!isNew && occasion.sweep === 'none') return 'settled';
    const decision = firstPortion(decide(rollout, board, view));
    const { standing, actions } = decision;
    if (changes.length === 0 && actions.length === 0 && isDeepStrictEqual(standing, rollout.standing)) return 'settled';
    const told = apply(stores, rollout, changes, decision, view);
    publish(told);
    if (standing.phase !== rollout.standing.phase || standing.wave !== rollout.standing.wave) {
      const { phase, wave, reason, message } = standing;
      log.info('rollout moved', { rollout: rollout.spec.name, phase, wave, reason, detail: message });
    }
    return told.length < portion ? 'moved' : 'portion';
  };
  const bringForward = (rollout: Rollout, occasion: Occasion): boolean => {
    const { uid, spec } = rollout;
    const tracking = trackings.get(uid) ?? createTracking();
    trackings.set(uid, tracking);
    try {
      let came = step(rollout, tracking, occasion);
      if (came === 'settled') return false;
      const again: Occasion = { news: new Set(), sweep: 'none' };
      for (let steps = 1; came === 'moved' && steps < maxSteps; steps++) {
        const next = rollouts.load(spec.name);
        came = next === undefined ? 'settled' : step(next, tracking, again);
      }
      // The rest waits for the next look, so that others are heard in between.
      if (came === 'portion') wake();
    } catch (error) {
      // Of this rollout alone: the others must not wait for it.
      log.error('cannot bring a rollout forward, trying again', { rollout: spec.name, error });
      // What was judged and not written is judged again.
      trackings.delete(uid);
    }
    return true;
  };

  return {
    look: (sweep) => {
      if (sweep) sweeps += 1;
      const every = sweep && sweeps % sweepsToAll === 0;
      const occasion: Occasion = { news: fleet.takeNews(), sweep: every ? 'all' : sweep ? 'open' : 'none' };
      const all = [...rollouts.atWork(), ...rollouts.withStragglers()];
      let moved = false;
      for (const rollout of all) moved = bringForward(rollout, occasion) || moved;
      const uids = new Set(all.map(({ uid }) => uid));
      for (const uid of trackings.keys()) if (!uids.has(uid)) trackings.delete(uid);
      return moved;
    },
  };
}
