import type { Database } from '@atoll/database/database';

/** Something that happened. */
export interface FleetEvent {
  readonly timeMs: number;
  /** "controller", "operator" or a node's id. */
  readonly actor: string;
  readonly kind: string;
  /** Empty = none. */
  readonly rollout: string;
  /** Empty = none. */
  readonly nodeId: string;
  readonly message: string;
}

/** What happened, with who and why; it only grows. */
export interface EventLog {
  append(event: FleetEvent): void;
  /** Oldest first, from an offset on. */
  list(fromOffset: bigint, limit: number): (FleetEvent & { readonly offset: bigint })[];
}

const maxOffset = (1n << 63n) - 1n;

/** The log in a database that has the controller's schema. */
export function eventLog(db: Database): EventLog {
  return {
    append: ({ timeMs, actor, kind, rollout, nodeId, message }) => {
      const insert = 'INSERT INTO event (time_ms, actor, kind, rollout, node_id, message) VALUES (?, ?, ?, ?, ?, ?)';
      db.run(insert, timeMs, actor, kind, rollout, nodeId, message);
    },
    list: (fromOffset, limit) =>
      db.all(
        (row) => ({
          offset: row.integer('offset'),
          timeMs: row.number('time_ms'),
          actor: row.text('actor'),
          kind: row.text('kind'),
          rollout: row.text('rollout'),
          nodeId: row.text('node_id'),
          message: row.text('message'),
        }),
        'SELECT * FROM event WHERE offset >= ? ORDER BY offset LIMIT ?',
        // SQLite's largest integer.
        fromOffset < maxOffset ? fromOffset : maxOffset,
        limit,
      ),
  };
}
