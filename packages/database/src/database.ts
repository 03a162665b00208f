/**
 * One SQLite file: what a service must not lose. Every commit is on the disk before it returns (WAL, synchronous FULL), a
 * second process that opens the file is refused unless it is shared, and the schema is a list that only grows.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { AtollError, reasonOf } from '@atoll/base/error';
import { Row } from './row.js';

/** What may be bound to a `?`. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** An open database. Statements are compiled once each; `?` are bound in order. */
export interface Database {
  /** Runs a statement; gives the number of rows that it changed. */
  run(sql: string, ...values: SqlValue[]): number;
  /** All rows of a query, each through `read`. */
  all<T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): T[];
  /** The first row of a query through `read`; undefined when there is none. */
  first<T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): T | undefined;
  /** Runs `work` so that all of its writes are kept or none; an error undoes them and is thrown on. No nesting. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** How a database is opened. */
export interface DatabaseOptions {
  /** Other processes of this machine may have it open, too: a transaction waits for theirs, some seconds at most. Default false. */
  readonly shared?: boolean;
}

/** How long a transaction waits for that of another process, milliseconds. */
const busyMs = 5_000;

/**
 * Opens (and makes) the database at `path`, bringing its schema up to date: `migrations[n]` leads from version n to n + 1
 * and never changes once released. FAILED_PRECONDITION when another process holds it, or when it is newer than this program.
 */
export function openDatabase(
  path: string,
  migrations: readonly string[],
  { shared = false }: DatabaseOptions = {},
): Database {
  mkdirSync(dirname(path), { recursive: true });
  const held = shared ? undefined : hold(path);
  try {
    const db = new DatabaseSync(path, { readBigInts: true });
    db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    migrate(db, migrations);
    return wrap(db, held);
  } catch (error) {
    held?.close();
    throw new AtollError('FAILED_PRECONDITION', `cannot open database ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Keeps other processes out by an open transaction on a file beside the database, which ends with the process at the
 * latest. The database itself would not do: its compiled statements keep it open, and locked, after close().
 */
function hold(path: string): DatabaseSyncInstance {
  let lock: DatabaseSyncInstance | undefined;
  try {
    lock = new DatabaseSync(`${path}.lock`);
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const reason = /locked|busy/i.test(reasonOf(error)) ? 'another process holds it' : reasonOf(error);
    throw new AtollError('FAILED_PRECONDITION', `cannot open database ${path}: ${reason}`, { cause: error });
  }
}

function migrate(db: DatabaseSyncInstance, migrations: readonly string[]): void {
  const row = new Row(db.prepare('PRAGMA user_version').get());
  const version = row.number('user_version');
  if (version > migrations.length) {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `it is of version ${version}, this program knows ${migrations.length}: a newer program made it`,
    );
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    undo(db);
    throw error;
  }
}

/** Ends an open transaction; a full disk or a failed read has ended it already (sqlite.org/lang_transaction.html, section 3). */
function undo(db: DatabaseSyncInstance): void {
  if (db.isTransaction) db.exec('ROLLBACK');
}

function wrap(db: DatabaseSyncInstance, held: DatabaseSyncInstance | undefined): Database {
  const statements = new Map<string, ReturnType<DatabaseSyncInstance['prepare']>>();
  const statement = (sql: string): ReturnType<DatabaseSyncInstance['prepare']> => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = db.prepare(sql);
    statements.set(sql, made);
    return made;
  };
  return {
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    all: (read, sql, ...values) =>
      statement(sql)
        .all(...values)
        .map((row: unknown) => read(new Row(row))),
    first: (read, sql, ...values) => {
      const row: unknown = statement(sql).get(...values);
      return row === undefined ? undefined : read(new Row(row));
    },
    transaction: (work) => {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        undo(db);
        throw error;
      }
    },
    close: () => {
      statements.clear();
      // Others may be at it, and make it short themselves.
      db.exec(held === undefined ? 'PRAGMA wal_checkpoint(PASSIVE)' : 'PRAGMA wal_checkpoint(TRUNCATE)');
      db.close();
      held?.close();
    },
  };
}
