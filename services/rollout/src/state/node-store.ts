import type { Database } from '@atoll/database/database';
import { StatusReport } from '@atoll/proto/atoll/v1/release';
import type { Target } from '../decide/fleet-view.js';
import { targetOf, targetValues } from './target-columns.js';

/** What is kept of a node across restarts. */
export interface NodeRecord {
  readonly nodeId: string;
  readonly lastSeenMs: number;
  /** Its newest report, verified when it came. */
  readonly report: StatusReport;
  readonly committed: Target | undefined;
}

/** What nodes said, durable. */
export interface NodeStore {
  all(): NodeRecord[];
  put(record: NodeRecord): void;
}

/** The store in a database that has the controller's schema. */
export function nodeStore(db: Database): NodeStore {
  return {
    all: () =>
      db.all(
        (row) => ({
          nodeId: row.text('node_id'),
          lastSeenMs: row.number('last_seen_ms'),
          report: StatusReport.decode(row.bytes('report')),
          committed: targetOf(row, 'committed'),
        }),
        'SELECT * FROM node',
      ),
    put: ({ nodeId, lastSeenMs, report, committed }) => {
      const bytes = StatusReport.encode(report).finish();
      const replace = 'INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?, ?)';
      db.run(replace, nodeId, lastSeenMs, bytes, ...targetValues(committed));
    },
  };
}
