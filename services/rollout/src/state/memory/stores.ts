import type { ChainedEvent } from '@atoll/release/audit-chain';
import type { DesiredRecord } from '../desired-store.js';
import { linked } from '../event-log.js';
import type { LeaseRecord } from '../lease.js';
import type { NodeRecord } from '../node-store.js';
import type { DurableStores } from '../stores.js';
import { memoryRollouts } from './rollouts.js';
import { type UndoLog, undoLog, UndoMap } from './undo.js';

/** Stores in memory, from which the power can be taken: what was committed is there when it is back, and nothing else. */
export interface MemoryStores extends DurableStores {
  readonly power: Pick<UndoLog, 'cutAtCommit' | 'cut' | 'restore'>;
}

/** Empty stores. */
export function memoryStores(): MemoryStores {
  const log = undoLog();
  const desired = new UndoMap<string, DesiredRecord>(log);
  const nodes = new UndoMap<string, NodeRecord>(log);
  const lease = new UndoMap<string, LeaseRecord>(log);
  const events: ChainedEvent[] = [];
  return {
    power: log,
    transaction: (work) => log.transaction(work),
    rollouts: memoryRollouts(log, (nodeId) => desired.get(nodeId)),
    desired: {
      get: (nodeId) => desired.get(nodeId),
      put: (record) => desired.set(record.nodeId, record),
      expiring: (beforeMs, limit) =>
        desired
          .values()
          .filter(({ expiresMs }) => expiresMs < beforeMs)
          .toSorted((a, b) => a.expiresMs - b.expiresMs)
          .slice(0, limit),
    },
    nodes: {
      all: () => nodes.values(),
      put: (record) => nodes.set(record.nodeId, record),
    },
    lease: {
      get: () => lease.get('lease'),
      put: (record) => lease.set('lease', record),
    },
    events: {
      append: (event) => {
        log.wrote(() => void events.pop());
        events.push(linked(events.at(-1), event));
      },
      list: (fromOffset, limit) => {
        log.check();
        const first = fromOffset < 1n ? 0 : Number(fromOffset) - 1;
        return events.slice(first, first + limit);
      },
      head: () => {
        log.check();
        return events.at(-1);
      },
    },
  };
}
