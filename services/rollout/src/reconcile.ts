/**
 * Brings every rollout from what it is to what it shall be: looks at everything, decides, writes, and looks again until nothing
 * is left to do. It is driven by levels, not by edges: a lost wake-up costs seconds, never a step.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@atoll/base/log';
import { apply, type Stores } from './apply.js';
import { memberChanges } from './decide/changes.js';
import { classify } from './decide/classify.js';
import { decide } from './decide/decide.js';
import type { Rollout } from './decide/rollout.js';
import type { Fleet } from './fleet/fleet.js';
import type { NodeStore } from './state/node-store.js';

/** What reconciling works on. */
export interface ReconcilerOptions {
  readonly stores: Stores;
  readonly nodes: NodeStore;
  readonly fleet: Pick<Fleet, 'view' | 'takeDirty'>;
  /** Told of the nodes whose desired state is new, after it is durable. */
  readonly publish: (nodeIds: readonly string[]) => void;
  /** Told that something may look different now. */
  readonly changed: () => void;
  readonly log: Logger;
  /** How often to look without being asked, milliseconds. */
  readonly everyMs: number;
}

/** The running reconciler. */
export interface Reconciler {
  /** Looks soon; many calls become one. */
  kick(): void;
  stop(): void;
}

/** Steps of one rollout in one look: far more than it can have, so that a rule that never settles is found and not spun on. */
const maxSteps = 1_000;

/** Looks at once, then whenever kicked and every few seconds. */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { log, everyMs } = options;
  let scheduled: NodeJS.Immediate | undefined;
  const look = (): void => {
    scheduled = undefined;
    try {
      reconcile(options);
    } catch (error) {
      log.error('cannot reconcile, trying again', { error });
    }
  };
  const kick = (): void => {
    scheduled ??= setImmediate(look);
  };
  const timer = setInterval(kick, everyMs);
  kick();
  return {
    kick,
    stop: () => {
      clearInterval(timer);
      clearImmediate(scheduled);
    },
  };
}

/** One look at everything. */
function reconcile(options: ReconcilerOptions): void {
  const { stores, nodes, fleet, changed, log } = options;
  const { db, rollouts } = stores;
  let moved = fleet.takeDirty((records) => {
    db.transaction(() => {
      for (const record of records) nodes.put(record);
    });
  });
  for (const { spec } of [...rollouts.atWork(), ...rollouts.withStragglers()]) {
    try {
      for (let steps = 0; steps < maxSteps; steps++) {
        const rollout = rollouts.load(spec.name);
        if (rollout === undefined || !step(options, rollout)) break;
        moved = true;
      }
    } catch (error) {
      // Of this rollout alone: the others must not wait for it.
      log.error('cannot bring a rollout forward, trying again', { rollout: spec.name, error });
    }
  }
  if (moved) changed();
}

/** Takes one rollout one step on; false when there was nothing to do. */
function step({ stores, fleet, publish, log }: ReconcilerOptions, rollout: Rollout): boolean {
  const view = fleet.view();
  const verdicts = classify(rollout, view);
  const changes = memberChanges(rollout, verdicts, view);
  const decision = decide(rollout, verdicts, view);
  const { standing, actions } = decision;
  if (changes.length === 0 && actions.length === 0 && isDeepStrictEqual(standing, rollout.standing)) return false;
  publish(apply(stores, rollout, changes, decision, view));
  if (standing.phase !== rollout.standing.phase || standing.wave !== rollout.standing.wave) {
    const { phase, wave, reason, message } = standing;
    log.info('rollout moved', { rollout: rollout.spec.name, phase, wave, reason, detail: message });
  }
  return true;
}
