/**
 * The controller as a machine: what it hears goes in by a call, what it wants of the bus comes out when asked for, and between
 * the two nothing happens by itself. There are no timers, promises, chance or clocks in it; the moment, names and signatures
 * come as ports, so that a simulation runs this very code in its own time.
 *
 * Contract for whoever drives it:
 * - onStatus, onHeartbeat, onBroker and onEnrolment take what came; they are cheap and write nothing. onStatus throws
 *   PERMISSION_DENIED or INVALID_ARGUMENT for a report that is refused.
 * - look() brings the rollouts forward by what is new; it is called soon after `wake` was called, many wakes may become one
 *   look, and it never throws: what fails is logged and is due again. One look tells a thousand nodes something at most, and
 *   wakes for the rest.
 * - tick() is called every second or two: it is all that makes deadlines pass, failed sends be tried again, and reports be
 *   kept for the next core (which would hear them again from the bus without that). It looks, too.
 * - nextOutgoing() gives tasks for the bus until it gives undefined; each task is answered once by outgoingDone(), in any order,
 *   however late. Everything in a task is durable before the task is given.
 * - commands write before they return and throw what the caller is told.
 * - A core that is thrown away at any moment, in the middle of any call, is followed by one made from the same stores.
 */
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import { adoptNewcomers } from './adopt-newcomers.js';
import type { Stores } from './apply.js';
import { type Commands, createCommands } from './commands.js';
import type { Director } from './director.js';
import type { EnrolledNode } from './fleet/enrolment.js';
import { createFleet, type Fleet, type OpenStatus } from './fleet/fleet.js';
import { type Answer, createOutbox, type Task } from './fleet/outbox.js';
import { createReconciler } from './reconcile.js';
import { renewDesired } from './renewals.js';
import { brokenEvent } from './state/event-log.js';
import { cachedStores } from './state/rollout-cache.js';
import type { DurableStores } from './state/stores.js';

/** What a core is made of. */
export interface CoreOptions {
  readonly stores: DurableStores;
  readonly director: Director;
  readonly enrolled: readonly EnrolledNode[];
  readonly openStatus: OpenStatus;
  /** The generation in what the bus holds for a node; undefined when the director did not sign it for that node. */
  readonly generationOf: (nodeId: string, held: Uint8Array) => bigint | undefined;
  readonly offlineAfterMs: number;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** A name for a rollout that no other has or had. */
  readonly newUid: () => string;
  /** False once another controller leads, or may: then nothing is decided and nothing leaves. */
  readonly leads: () => boolean;
  /** Told that a look is due, or that there may be something to send. */
  readonly wake: () => void;
  /** Told that something may look different for those who watch. */
  readonly changed: () => void;
  readonly log: Logger;
}

/** The controller between its borders. */
export interface ControllerCore {
  readonly stores: Stores;
  readonly fleet: Fleet;
  readonly commands: Commands;
  /** A node's signed report: 'old' when nothing is new in it, or when nobody enrolled the node. */
  onStatus(nodeId: string, bytes: Uint8Array): 'new' | 'old';
  /** A sign of life; false when nobody enrolled the node. */
  onHeartbeat(nodeId: string): boolean;
  /** The connection to the broker was lost, or is there again: then the broker may have lost anything. */
  onBroker(state: 'connected' | 'away'): void;
  /** The fleet is these nodes from now on; others are told nothing more. */
  onEnrolment(enrolled: readonly EnrolledNode[]): void;
  look(): void;
  tick(): void;
  nextOutgoing(): Task | undefined;
  outgoingDone(task: Task, answer: Answer): void;
}

/** Newest events whose chain is checked when a core is made. */
const eventsChecked = 10_000;

/** Between searches for states that expire soon, milliseconds. */
const renewEveryMs = 3_600_000;

/** A core that takes up whatever the stores say is at work. */
export function createCore(options: CoreOptions): ControllerCore {
  const { enrolled, openStatus, generationOf, offlineAfterMs, clock, newUid, leads, wake, changed, log } = options;
  const stores = { ...cachedStores(options.stores), director: options.director };
  const fleet = createFleet({ enrolled, known: stores.nodes.all(), openStatus, clock, offlineAfterMs });
  const repaired = new Set<string>();
  const outbox = createOutbox({
    desired: stores.desired,
    generationOf,
    onHeld: (nodeId, generation) => fleet.held(nodeId, generation),
    onRepaired: (nodeId) => repaired.add(nodeId),
  });
  outbox.setNodes(enrolled.map(({ id }) => id));
  const broken = brokenEvent(stores.events, eventsChecked);
  if (broken !== undefined) log.error('the log of events was altered', { offset: broken.offset, kind: broken.kind });

  const publish = (nodeIds: readonly string[]): void => {
    outbox.publish(nodeIds);
    if (nodeIds.length > 0) wake();
  };
  const reconciler = createReconciler({ stores, fleet, publish, wake, log });
  const noteConnection = (): void => {
    if (fleet.setConnected(outbox.connected())) wake();
  };
  const noteRepairs = (): void => {
    if (repaired.size === 0) return;
    const message = 'the broker held another desired state than the store';
    const timeMs = clock.nowMs();
    stores.transaction(() => {
      for (const nodeId of repaired)
        stores.events.append({ timeMs, actor: 'controller', kind: 'DesiredRepaired', rollout: '', nodeId, message });
    });
    repaired.clear();
  };
  const keepReports = (): boolean =>
    fleet.takeDirty((records) => {
      stores.transaction(() => {
        for (const record of records) stores.nodes.put(record);
      });
    });
  /** The fleet may have other nodes than the rollouts know of. */
  let enrolmentIsNew = true;
  let renewMs = 0;
  const keepUp = (): void => {
    const view = fleet.view();
    if (enrolmentIsNew) adoptNewcomers(stores, fleet.members(), view.nowMs);
    enrolmentIsNew = false;
    if (view.nowMs < renewMs) return;
    const renewed = renewDesired(stores, view);
    publish(renewed);
    if (renewed.length === 0) renewMs = view.nowMs + renewEveryMs;
  };
  const look = (sweep: boolean): void => {
    if (!leads()) return;
    try {
      if (sweep) keepUp();
      const known = sweep && keepReports();
      if (sweep) noteRepairs();
      if (reconciler.look(sweep) || known) changed();
    } catch (error) {
      log.error('cannot reconcile, trying again', { error });
    }
  };

  return {
    stores,
    fleet,
    commands: createCommands({ stores, fleet, publish, newUid, kick: () => (changed(), wake()) }),
    onStatus: (nodeId, bytes) => {
      const news = fleet.take(nodeId, bytes);
      if (news === 'new') wake();
      return news;
    },
    onHeartbeat: (nodeId) => fleet.heard(nodeId),
    onBroker: (state) => {
      if (state === 'away') outbox.away();
      else outbox.returned();
      noteConnection();
      wake();
    },
    onEnrolment: (nodes) => {
      fleet.enrol(nodes);
      enrolmentIsNew = true;
      outbox.setNodes(nodes.map(({ id }) => id));
      wake();
    },
    look: () => look(false),
    tick: () => {
      outbox.round();
      noteConnection();
      look(true);
    },
    nextOutgoing: () => (leads() ? outbox.next() : undefined),
    outgoingDone: (task, answer) => {
      outbox.done(task, answer);
      noteConnection();
    },
  };
}
