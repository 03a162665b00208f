/** A rollout to put into stores. */
import assert from 'node:assert/strict';
import type { Rollout, Standing } from '../decide/rollout.js';
import { sampleSpec } from '../rollout-for-tests.js';
import type { NewRollout } from './rollout-store.js';
import type { DurableStores } from './stores.js';

/** A standing with something in every field. */
export const standing: Standing = {
  phase: 'Pending',
  wave: 0,
  reason: 'Accepted',
  message: 'm',
  blockedOn: ['controller'],
  sinceMs: 3,
  promoted: 1,
  full: true,
};
const soak = { durationMs: 1_000, minRequests: 1, maxErrorRate: 0.5, maxLatencyRatio: 3, prepareDeadlineMs: 5_000 };

/** A rollout of three nodes in two waves. */
export const named = (name: string): NewRollout => ({
  uid: `uid of ${name}`,
  spec: { ...sampleSpec, name, soak, selector: { site: 'x' } },
  standing,
  plan: [['c'], ['a', 'b']],
  attempt: 1,
  createdMs: 7,
});

/** Adds it, and gives it as it is kept. */
export function add({ rollouts, transaction }: DurableStores, name: string): Rollout {
  transaction(() => rollouts.add(named(name)));
  const rollout = rollouts.load(name);
  assert.ok(rollout);
  return rollout;
}
