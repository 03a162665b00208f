/**
 * Keeps what the bus holds equal to the store, one node at a time: puts what changed at once, compares every node after each
 * absence of the broker and a few all the time, because the broker may lose or roll back what it was given. It decides
 * what to send next and is told how that went (next, done); who sends, and how many at a time, is not its business. It
 * never decides what a node shall run, and never replaces a generation by a lower one.
 *
 * connected() is true from when every node was compared and nothing failed since; only then may anything be assigned, because
 * before it the generations that the broker holds are not known.
 */
import type { DesiredStore } from '../state/desired-store.js';
import { IdQueue } from './id-queue.js';

/** What is to be done on the bus for a node. */
export type Task =
  | { readonly kind: 'put'; readonly nodeId: string; readonly bytes: Uint8Array }
  | { readonly kind: 'get'; readonly nodeId: string };

/** How a task went: done (with what is held, after a get), the broker did not answer, or it refuses this node's bytes. */
export type Answer =
  | { readonly kind: 'done'; readonly held?: Uint8Array | undefined }
  | { readonly kind: 'away' }
  | { readonly kind: 'refused' };

/** What the outbox needs. */
export interface OutboxOptions {
  readonly desired: Pick<DesiredStore, 'get'>;
  /** The generation in what the bus holds for a node; undefined when the director did not sign it. */
  readonly generationOf: (nodeId: string, held: Uint8Array) => bigint | undefined;
  /** Told of a generation that the bus holds and the store does not know. */
  readonly onHeld: (nodeId: string, generation: bigint) => void;
  /** Told, after it was put right, that the bus held something else than the store. */
  readonly onRepaired: (nodeId: string) => void;
}

/** The outbox. */
export interface Outbox {
  /** The nodes of the fleet; nothing is sent to others. */
  setNodes(nodeIds: readonly string[]): void;
  /** The store has something new for these nodes. */
  publish(nodeIds: Iterable<string>): void;
  /** The broker is away: nothing is sent until its return, or the next round. */
  away(): void;
  /** The broker is there and may have lost anything: everything is compared again. */
  returned(): void;
  /** Begins a round, every second or two: what failed is tried again, and the next few nodes are compared. */
  round(): void;
  /** The next task, which is under way from then on; undefined when there is none now. */
  next(): Task | undefined;
  done(task: Task, answer: Answer): void;
  connected(): boolean;
}

/** Nodes compared in a round when nothing is suspected. */
const perRound = 32;

/** An outbox that has to compare every node first. */
export function createOutbox({ desired, generationOf, onHeld, onRepaired }: OutboxOptions): Outbox {
  const changed = new IdQueue();
  const suspected = new IdQueue();
  /** Compared as a routine: what comes of one says nothing of the others. */
  const routine = new IdQueue();
  const repairs = new Set<string>();
  /** The nodes with a task under way; true for a comparison that was due before anything may be assigned. */
  const underWay = new Map<string, boolean>();
  let awaited = 0;
  let nodes: ReadonlySet<string> = new Set();
  let ring: readonly string[] = [];
  let place = 0;
  let resting = false;
  let connected = false;

  const takeFrom = (queue: IdQueue): string | undefined => {
    for (;;) {
      const id = queue.take((one) => !underWay.has(one));
      if (id === undefined || nodes.has(id)) return id;
    }
  };
  const nextPut = (): Task | undefined => {
    for (;;) {
      const nodeId = takeFrom(changed);
      if (nodeId === undefined) return undefined;
      const bytes = desired.get(nodeId)?.envelope;
      if (bytes === undefined) continue;
      underWay.set(nodeId, false);
      return { kind: 'put', nodeId, bytes };
    }
  };
  const nextGet = (): Task | undefined => {
    const due = takeFrom(suspected);
    const nodeId = due ?? takeFrom(routine);
    if (nodeId === undefined) return undefined;
    if (due !== undefined) awaited += 1;
    underWay.set(nodeId, due !== undefined);
    return { kind: 'get', nodeId };
  };
  const rest = (): void => {
    connected = false;
    resting = true;
  };
  const compare = (nodeId: string, held: Uint8Array | undefined): void => {
    const record = desired.get(nodeId);
    if (changed.has(nodeId) || (held !== undefined && record?.envelope.equals(held) === true)) return;
    const generation = held === undefined ? undefined : generationOf(nodeId, held);
    if (generation !== undefined) onHeld(nodeId, generation);
    if (record === undefined || (generation !== undefined && generation >= record.generation)) return;
    repairs.add(nodeId);
    changed.add(nodeId);
  };

  return {
    setNodes: (nodeIds) => {
      for (const id of nodeIds) if (!nodes.has(id)) suspected.add(id);
      nodes = new Set(nodeIds);
      ring = nodeIds;
    },
    publish: (nodeIds) => {
      for (const id of nodeIds) {
        changed.add(id);
        repairs.delete(id);
      }
    },
    away: rest,
    returned: () => {
      for (const id of ring) suspected.add(id);
      resting = false;
    },
    round: () => {
      resting = false;
      if (ring.length === 0) connected = true;
      if (suspected.size > 0 || routine.size > 0) return;
      for (let turn = 0; turn < Math.min(perRound, ring.length); turn++) {
        const id = ring[place++ % ring.length];
        if (id !== undefined) routine.add(id);
      }
    },
    next: () => (resting ? undefined : (nextPut() ?? nextGet())),
    done: (task, answer) => {
      const { nodeId } = task;
      const due = underWay.get(nodeId) === true;
      underWay.delete(nodeId);
      if (due) awaited -= 1;
      if (answer.kind === 'away') {
        if (task.kind === 'put') changed.add(nodeId);
        else if (due) suspected.add(nodeId);
        return rest();
      }
      if (answer.kind === 'done') {
        if (task.kind === 'get') compare(nodeId, answer.held);
        else if (repairs.delete(nodeId)) onRepaired(nodeId);
      }
      if (!resting && suspected.size === 0 && awaited === 0) connected = true;
    },
    connected: () => connected,
  };
}
