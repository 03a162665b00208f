/**
 * Keeps what the bus holds equal to the store: puts what changed at once, and compares node after node all the time, because
 * the broker may lose or roll back what it was given. It never decides what a node shall run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { DesiredStore } from '../state/desired-store.js';

/** What the publisher needs. */
export interface PublisherOptions {
  readonly bus: Pick<ControllerBus, 'putDesired' | 'getDesired'>;
  readonly desired: DesiredStore;
  /** All nodes of the fleet. */
  readonly nodeIds: readonly string[];
  readonly log: Logger;
  /** Told after each round whether the broker answered. */
  readonly onConnected: (connected: boolean) => void;
  /** Told when the bus held something else than the store. */
  readonly onRepaired: (nodeId: string) => void;
  /** Pause between rounds, milliseconds. */
  readonly roundMs: number;
}

/** The running publisher. */
export interface Publisher {
  /** The store has something new for these nodes. */
  publish(nodeIds: Iterable<string>): void;
  /** The bus may have lost anything: everything is compared again, soon. */
  compareAll(): void;
  stop(): Promise<void>;
}

/** Puts and reads under way at a time. */
const atOnce = 128;
/** Nodes compared in a round when nothing is suspected. */
const perRound = 32;

/** Starts with comparing every node once. */
export function startPublisher(options: PublisherOptions): Publisher {
  const { bus, desired, nodeIds, log, onConnected, onRepaired, roundMs } = options;
  const ended = new AbortController();
  const changed = new Set<string>();
  const suspected = new Set(nodeIds);
  let wake = new AbortController();
  let next = 0;

  const put = async (nodeId: string): Promise<void> => {
    const record = desired.get(nodeId);
    if (record === undefined) return;
    await bus.putDesired(nodeId, record.envelope);
  };
  const compare = async (nodeId: string): Promise<void> => {
    const held = await bus.getDesired(nodeId);
    const record = desired.get(nodeId);
    if (record === undefined || changed.has(nodeId) || (held !== undefined && record.envelope.equals(held))) return;
    await bus.putDesired(nodeId, record.envelope);
    onRepaired(nodeId);
  };
  /** Takes up to `atOnce` ids out of the set, and puts back those that failed. */
  const drain = async (ids: Set<string>, task: (nodeId: string) => Promise<void>): Promise<void> => {
    while (ids.size > 0 && !ended.signal.aborted) {
      const batch = [...ids].slice(0, atOnce);
      for (const id of batch) ids.delete(id);
      const results = await Promise.allSettled(batch.map(task));
      const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []));
      for (const index of failed) ids.add(batch[index] ?? '');
      const rejected = results.find((result) => result.status === 'rejected');
      if (rejected !== undefined) throw rejected.reason;
    }
  };
  const round = async (): Promise<void> => {
    await drain(changed, put);
    if (suspected.size === 0) {
      for (let turn = 0; turn < Math.min(perRound, nodeIds.length); turn++) {
        const id = nodeIds[next++ % nodeIds.length];
        if (id !== undefined) suspected.add(id);
      }
    }
    await drain(suspected, compare);
  };
  const forever = async (): Promise<void> => {
    let away = false;
    while (!ended.signal.aborted) {
      wake = new AbortController();
      try {
        await round();
        if (away) log.info('the broker answers again');
        away = false;
      } catch (error) {
        if (ended.signal.aborted) return;
        if (!away) log.warn('cannot bring desired states to the broker, trying again', { reason: reasonOf(error) });
        away = true;
      }
      if (ended.signal.aborted) return;
      onConnected(!away);
      if (changed.size > 0 && !away) continue;
      const signal = AbortSignal.any([wake.signal, ended.signal]);
      await delay(roundMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = forever();

  return {
    publish: (ids) => {
      for (const id of ids) changed.add(id);
      wake.abort();
    },
    compareAll: () => {
      for (const id of nodeIds) suspected.add(id);
      wake.abort();
    },
    stop: async () => {
      ended.abort();
      await running;
    },
  };
}
