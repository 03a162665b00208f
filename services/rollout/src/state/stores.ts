/**
 * The durable side of the controller: what it must not lose. There are two of it with one contract (stores.test.ts): a
 * database, and one in memory that a simulation can take the power from. Everything in it is written within a transaction:
 * after it all writes are there, or none. A read within a transaction sees the writes before it.
 */
import type { Database } from '@atoll/database/database';
import { type DesiredStore, desiredStore } from './desired-store.js';
import { type EventLog, eventLog } from './event-log.js';
import { type LeaseStore, leaseStore } from './lease.js';
import { type NodeStore, nodeStore } from './node-store.js';
import { type RolloutStore, rolloutStore } from './rollout-store.js';

/** The stores and the transaction over all of them. */
export interface DurableStores {
  readonly rollouts: RolloutStore;
  readonly desired: DesiredStore;
  readonly nodes: NodeStore;
  readonly events: EventLog;
  readonly lease: LeaseStore;
  /** Runs `work` so that all of its writes are kept or none; an error undoes them and is thrown on. No nesting. */
  readonly transaction: <T>(work: () => T) => T;
}

/** The stores in a database that has the controller's schema. */
export function databaseStores(db: Database): DurableStores {
  return {
    rollouts: rolloutStore(db),
    desired: desiredStore(db),
    nodes: nodeStore(db),
    events: eventLog(db),
    lease: leaseStore(db),
    transaction: (work) => db.transaction(work),
  };
}
