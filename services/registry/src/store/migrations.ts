/** The registry's schema; the list only grows. */
export const migrations: readonly string[] = [
  `CREATE TABLE release (
     model TEXT NOT NULL,
     version INTEGER NOT NULL,
     manifest_sha256 TEXT NOT NULL,
     created_unix_ms INTEGER NOT NULL,
     envelope BLOB NOT NULL,
     PRIMARY KEY (model, version)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE alias (
     model TEXT NOT NULL,
     alias TEXT NOT NULL,
     version INTEGER NOT NULL,
     PRIMARY KEY (model, alias),
     FOREIGN KEY (model, version) REFERENCES release (model, version)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX alias_by_version ON alias (model, version)`,
];
