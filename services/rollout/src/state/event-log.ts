import type { Database } from '@atoll/database/database';
import type { Row } from '@atoll/database/row';
import { type AuditEvent, type ChainedEvent, chainEvent, firstBreak, noEventSha256 } from '@atoll/release/audit-chain';

/** Something that happened; the actor is "controller", "operator" or a node's id. */
export interface FleetEvent extends Omit<AuditEvent, 'offset' | 'evidence'> {
  readonly evidence?: string;
}

/** What happened, with who and why, each event chained to the one before; it only grows. */
export interface EventLog {
  append(event: FleetEvent): void;
  /** Oldest first, from an offset on. */
  list(fromOffset: bigint, limit: number): ChainedEvent[];
  /** The newest event; undefined when nothing has happened. */
  head(): ChainedEvent | undefined;
}

const insert = `INSERT INTO event
  (offset, time_ms, actor, kind, rollout, node_id, message, evidence, prev_sha256, sha256)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const maxOffset = (1n << 63n) - 1n;

/** The log in a database that has the controller's schema; events from before there was a chain are chained first. */
export function eventLog(db: Database): EventLog {
  const head = (): ChainedEvent | undefined => db.first(read, 'SELECT * FROM event ORDER BY offset DESC LIMIT 1');
  const list = (fromOffset: bigint, limit: number): ChainedEvent[] =>
    db.all(
      read,
      'SELECT * FROM event WHERE offset >= ? ORDER BY offset LIMIT ?',
      // SQLite's largest integer.
      fromOffset < maxOffset ? fromOffset : maxOffset,
      limit,
    );
  chainOldEvents(db, list);
  return {
    append: (event) => {
      const { offset, timeMs, actor, kind, rollout, nodeId, message, evidence, prevSha256, sha256 } = linked(
        head(),
        event,
      );
      db.run(insert, offset, timeMs, actor, kind, rollout, nodeId, message, evidence, prevSha256, sha256);
    },
    list,
    head,
  };
}

/** The event behind `head`. */
export function linked(head: Pick<ChainedEvent, 'offset' | 'sha256'> | undefined, event: FleetEvent): ChainedEvent {
  const offset = (head?.offset ?? 0n) + 1n;
  return chainEvent({ evidence: '', ...event, offset }, head?.sha256 ?? noEventSha256);
}

/** The first of the newest `limit` events that does not follow from the one before it; undefined when they are whole. */
export function brokenEvent(log: Pick<EventLog, 'list' | 'head'>, limit: number): ChainedEvent | undefined {
  const first = (log.head()?.offset ?? 0n) - BigInt(limit) + 1n;
  if (first <= 1n) return firstBreak(log.list(1n, limit));
  const [before, ...events] = log.list(first - 1n, limit + 1);
  return firstBreak(events, before);
}

const page = 10_000;

function chainOldEvents(db: Database, list: EventLog['list']): void {
  const isOld = "SELECT offset FROM event WHERE sha256 = '' ORDER BY offset LIMIT 1";
  if (db.first((row) => row.integer('offset'), isOld) === undefined) return;
  db.transaction(() => {
    let before: ChainedEvent | undefined;
    for (let events = list(1n, page); events.length > 0; events = list((before?.offset ?? 0n) + 1n, page)) {
      for (const event of events) {
        before = event.sha256 === '' ? linked(before, event) : event;
        const { prevSha256, sha256, offset } = before;
        db.run('UPDATE event SET prev_sha256 = ?, sha256 = ? WHERE offset = ?', prevSha256, sha256, offset);
      }
    }
  });
}

function read(row: Row): ChainedEvent {
  return {
    offset: row.integer('offset'),
    timeMs: row.number('time_ms'),
    actor: row.text('actor'),
    kind: row.text('kind'),
    rollout: row.text('rollout'),
    nodeId: row.text('node_id'),
    message: row.text('message'),
    evidence: row.text('evidence'),
    prevSha256: row.text('prev_sha256'),
    sha256: row.text('sha256'),
  };
}
