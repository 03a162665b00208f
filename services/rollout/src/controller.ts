/** The controller without its borders: given a database and a bus, it brings rollouts forward until it is stopped. */
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { Database } from '@atoll/database/database';
import type { Stores } from './apply.js';
import { type Commands, createCommands } from './commands.js';
import type { Director } from './director.js';
import type { EnrolledNode } from './fleet/enrolment.js';
import { createFleet, type Fleet } from './fleet/fleet.js';
import { startPublisher } from './fleet/publisher.js';
import { createNotifier, type Notifier } from './notifier.js';
import { startReconciler } from './reconcile.js';
import type { FindRelease } from './registry-client.js';
import { desiredStore } from './state/desired-store.js';
import { eventLog } from './state/event-log.js';
import { nodeStore } from './state/node-store.js';
import { rolloutStore } from './state/rollout-store.js';

/** What the controller needs; the database has its schema already. */
export interface ControllerOptions {
  readonly db: Database;
  readonly bus: Pick<ControllerBus, 'putDesired' | 'getDesired'>;
  readonly director: Director;
  readonly enrolled: readonly EnrolledNode[];
  readonly findRelease: FindRelease;
  readonly offlineAfterMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between looks, and between rounds of comparing, when nothing happens; milliseconds, default 2,000. */
  readonly everyMs?: number;
}

/** The running controller. */
export interface Controller {
  readonly stores: Stores;
  readonly fleet: Fleet;
  readonly commands: Commands;
  readonly notifier: Notifier;
  /** Something is known of a node that was not known before. */
  onNews(): void;
  /** The broker may have lost anything. */
  onReturn(): void;
  stop(): Promise<void>;
}

/** Takes up whatever the database says is at work. */
export function startController(options: ControllerOptions): Controller {
  const { db, bus, director, enrolled, findRelease, clock, log, everyMs = 2_000 } = options;
  const nodes = nodeStore(db);
  const stores = { db, rollouts: rolloutStore(db), desired: desiredStore(db), events: eventLog(db), director };
  const fleet = createFleet(enrolled, nodes.all(), clock, options.offlineAfterMs);
  const notifier = createNotifier();
  const publisher = startPublisher({
    bus,
    desired: stores.desired,
    nodeIds: enrolled.map(({ id }) => id),
    log,
    onConnected: (connected) => {
      if (fleet.setConnected(connected)) kick();
    },
    onRepaired: (nodeId) => {
      const message = 'the broker held another desired state than the store';
      stores.events.append({
        timeMs: clock.nowMs(),
        actor: 'controller',
        kind: 'DesiredRepaired',
        rollout: '',
        nodeId,
        message,
      });
    },
    roundMs: everyMs,
  });
  const publish = (nodeIds: readonly string[]): void => publisher.publish(nodeIds);
  const changed = (): void => notifier.notify();
  const reconciler = startReconciler({ stores, nodes, fleet, publish, changed, log, everyMs });
  const kick = (): void => reconciler.kick();
  return {
    stores,
    fleet,
    notifier,
    onNews: kick,
    onReturn: () => publisher.compareAll(),
    commands: createCommands({ stores, fleet, findRelease, publish, kick: () => (changed(), kick()) }),
    stop: async () => {
      reconciler.stop();
      await publisher.stop();
    },
  };
}
