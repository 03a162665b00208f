/** The controller's schema; the list only grows. Times are milliseconds since the Unix epoch, 0 = not yet. */
export const migrations: readonly string[] = [
  `CREATE TABLE rollout (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     name TEXT NOT NULL UNIQUE,
     uid TEXT NOT NULL,
     spec BLOB NOT NULL,
     manifest_sha256 TEXT NOT NULL,
     phase TEXT NOT NULL,
     wave INTEGER NOT NULL,
     reason TEXT NOT NULL,
     message TEXT NOT NULL,
     blocked_on TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     updated_ms INTEGER NOT NULL,
     revision INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX rollout_by_phase ON rollout (phase);
   CREATE TABLE wave (
     rollout_id INTEGER NOT NULL REFERENCES rollout (id),
     number INTEGER NOT NULL,
     started_ms INTEGER NOT NULL DEFAULT 0,
     passed_ms INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (rollout_id, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE member (
     rollout_id INTEGER NOT NULL REFERENCES rollout (id),
     position INTEGER NOT NULL,
     node_id TEXT NOT NULL,
     wave INTEGER NOT NULL,
     previous_model TEXT,
     previous_version INTEGER,
     previous_sha256 TEXT,
     generation INTEGER NOT NULL DEFAULT 0,
     assigned_ms INTEGER NOT NULL DEFAULT 0,
     heard_ms INTEGER NOT NULL DEFAULT 0,
     outcome TEXT NOT NULL DEFAULT '',
     reason_code TEXT NOT NULL DEFAULT '',
     message TEXT NOT NULL DEFAULT '',
     revert_generation INTEGER NOT NULL DEFAULT 0,
     back INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (rollout_id, position),
     UNIQUE (rollout_id, node_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE desired (
     node_id TEXT PRIMARY KEY,
     generation INTEGER NOT NULL,
     rollout TEXT NOT NULL,
     model TEXT NOT NULL,
     version INTEGER NOT NULL,
     manifest_sha256 TEXT NOT NULL,
     envelope BLOB NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE node (
     node_id TEXT PRIMARY KEY,
     last_seen_ms INTEGER NOT NULL,
     report BLOB NOT NULL,
     committed_model TEXT,
     committed_version INTEGER,
     committed_sha256 TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE event (
     offset INTEGER PRIMARY KEY AUTOINCREMENT,
     time_ms INTEGER NOT NULL,
     actor TEXT NOT NULL,
     kind TEXT NOT NULL,
     rollout TEXT NOT NULL,
     node_id TEXT NOT NULL,
     message TEXT NOT NULL
   ) STRICT`,
  `ALTER TABLE event ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
   ALTER TABLE event ADD COLUMN prev_sha256 TEXT NOT NULL DEFAULT '';
   ALTER TABLE event ADD COLUMN sha256 TEXT NOT NULL DEFAULT ''`,
  `ALTER TABLE rollout ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE rollout ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE rollout ADD COLUMN promoted_full INTEGER NOT NULL DEFAULT 0;
   UPDATE rollout SET since_ms = updated_ms;
   ALTER TABLE wave ADD COLUMN settled_ms INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE wave ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
   ALTER TABLE wave ADD COLUMN control TEXT NOT NULL DEFAULT '{}';
   ALTER TABLE member ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
   ALTER TABLE member ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE desired ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX desired_by_expiry ON desired (expires_ms)`,
  `CREATE TABLE lease (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     holder TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     expires_ms INTEGER NOT NULL
   ) STRICT`,
];
