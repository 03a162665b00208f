import type { Database } from '@atoll/database/database';
import type { Row } from '@atoll/database/row';
import type { Target } from '../decide/fleet-view.js';

/** The newest desired state of a node: the truth, of which the bus carries a copy. */
export interface DesiredRecord {
  readonly nodeId: string;
  readonly generation: bigint;
  readonly rollout: string;
  readonly target: Target;
  /** The signed bytes, as they go over the bus. */
  readonly envelope: Buffer;
  /** After this the node no longer begins to act on it, milliseconds since the Unix epoch; 0 = not known. */
  readonly expiresMs: number;
}

/** Desired states, durable. */
export interface DesiredStore {
  get(nodeId: string): DesiredRecord | undefined;
  put(record: DesiredRecord): void;
  /** Those that expire before `beforeMs`, soonest first, at most `limit`. */
  expiring(beforeMs: number, limit: number): DesiredRecord[];
}

/** The store in a database that has the controller's schema. */
export function desiredStore(db: Database): DesiredStore {
  return {
    get: (nodeId) => db.first(read, 'SELECT * FROM desired WHERE node_id = ?', nodeId),
    put: ({ nodeId, generation, rollout, target, envelope, expiresMs }) => {
      const { model, version, manifestSha256 } = target;
      const replace = 'INSERT OR REPLACE INTO desired VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
      db.run(replace, nodeId, generation, rollout, model, version, manifestSha256, envelope, expiresMs);
    },
    expiring: (beforeMs, limit) =>
      db.all(read, 'SELECT * FROM desired WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?', beforeMs, limit),
  };
}

function read(row: Row): DesiredRecord {
  return {
    nodeId: row.text('node_id'),
    generation: row.integer('generation'),
    rollout: row.text('rollout'),
    target: { model: row.text('model'), version: row.integer('version'), manifestSha256: row.text('manifest_sha256') },
    envelope: row.bytes('envelope'),
    expiresMs: row.number('expires_ms'),
  };
}
