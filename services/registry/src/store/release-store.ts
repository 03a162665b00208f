import type { Database } from '@atoll/database/database';
import type { Row } from '@atoll/database/row';
import type { Sha256 } from '@atoll/base/digest';
import type { PageEnd } from '../releases/paging.js';

/** A release without its envelope. */
export interface ReleaseRecord {
  readonly model: string;
  readonly version: bigint;
  readonly manifestSha256: Sha256;
  readonly createdUnixMs: bigint;
  readonly aliases: readonly string[];
}

/** A release with the bytes that were signed. */
export interface StoredRelease extends ReleaseRecord {
  readonly envelope: Buffer;
}

/** Releases and aliases, durable. */
export interface ReleaseStore {
  /** Adds a release. */
  add(release: Omit<StoredRelease, 'aliases'>): void;
  /** Points an alias at a release that is stored. */
  setAlias(model: string, alias: string, version: bigint): void;
  byVersion(model: string, version: bigint): StoredRelease | undefined;
  byAlias(model: string, alias: string): StoredRelease | undefined;
  newest(model: string): StoredRelease | undefined;
  /** Models by name, newest version first within one; at most `limit`, after `after`; `model` empty = all. */
  list(model: string, after: PageEnd | undefined, limit: number): ReleaseRecord[];
}

const columns = `model, version, manifest_sha256, created_unix_ms,
  (SELECT json_group_array(alias ORDER BY alias) FROM alias WHERE model = r.model AND version = r.version) AS aliases`;

/** No manifest may carry a higher one, and SQLite takes none above 2^63 - 1. */
const maxVersion = BigInt(Number.MAX_SAFE_INTEGER);

/** The store in a database that has the registry's schema. */
export function releaseStore(db: Database): ReleaseStore {
  const full = `SELECT ${columns}, envelope FROM release r`;
  return {
    add: (release) => {
      const { model, version, manifestSha256, createdUnixMs, envelope } = release;
      db.run('INSERT INTO release VALUES (?, ?, ?, ?, ?)', model, version, manifestSha256, createdUnixMs, envelope);
    },
    setAlias: (model, alias, version) => {
      db.run('INSERT OR REPLACE INTO alias VALUES (?, ?, ?)', model, alias, version);
    },
    byVersion: (model, version) =>
      version > maxVersion ? undefined : db.first(stored, `${full} WHERE model = ? AND version = ?`, model, version),
    byAlias: (model, alias) =>
      db.first(
        stored,
        `${full} WHERE (model, version) = (SELECT model, version FROM alias WHERE model = ? AND alias = ?)`,
        model,
        alias,
      ),
    newest: (model) => db.first(stored, `${full} WHERE model = ? ORDER BY version DESC LIMIT 1`, model),
    list: (model, after, limit) =>
      db.all(
        record,
        `SELECT ${columns} FROM release r
         WHERE (?1 = '' OR model = ?1) AND (model > ?2 OR (model = ?2 AND version < ?3))
         ORDER BY model, version DESC LIMIT ?4`,
        model,
        after?.model ?? '',
        after?.version ?? 0n,
        limit,
      ),
  };
}

function record(row: Row): ReleaseRecord {
  return {
    model: row.text('model'),
    version: row.integer('version'),
    manifestSha256: row.text('manifest_sha256'),
    createdUnixMs: row.integer('created_unix_ms'),
    aliases: JSON.parse(row.text('aliases')) as string[],
  };
}

function stored(row: Row): StoredRelease {
  return { ...record(row), envelope: row.bytes('envelope') };
}
