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

/** What reconciling works on. */
export interface ReconcileContext {
  readonly stores: Stores;
  readonly fleet: Pick<Fleet, 'view' | 'takeDirty'>;
  /** Told of the nodes whose desired state is new, after it is durable. */
  readonly publish: (nodeIds: readonly string[]) => void;
  readonly log: Logger;
}

/** Steps of one rollout in one look: far more than it can have, so that a rule that never settles is found and not spun on. */
const maxSteps = 1_000;

/** One look at everything; true when something may look different after it. */
export function reconcile(context: ReconcileContext): boolean {
  const { stores, fleet, log } = context;
  const { rollouts, nodes } = stores;
  let moved = fleet.takeDirty((records) => {
    stores.transaction(() => {
      for (const record of records) nodes.put(record);
    });
  });
  for (const { spec } of [...rollouts.atWork(), ...rollouts.withStragglers()]) {
    try {
      for (let steps = 0; steps < maxSteps; steps++) {
        const rollout = rollouts.load(spec.name);
        if (rollout === undefined || !step(context, rollout)) break;
        moved = true;
      }
    } catch (error) {
      // Of this rollout alone: the others must not wait for it.
      log.error('cannot bring a rollout forward, trying again', { rollout: spec.name, error });
    }
  }
  return moved;
}

/** Takes one rollout one step on; false when there was nothing to do. */
function step({ stores, fleet, publish, log }: ReconcileContext, rollout: Rollout): boolean {
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
