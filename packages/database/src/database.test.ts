import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from './database.js';

const first = 'CREATE TABLE pair (name TEXT PRIMARY KEY, value INTEGER, bytes BLOB) STRICT';
const second = "ALTER TABLE pair ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

async function newPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-database-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'deeper', 'test.sqlite');
}

test('openDatabase: rows come back by type, 64-bit integers exact', async (t) => {
  const db = openDatabase(await newPath(t), [first]);
  t.after(() => db.close());
  assert.equal(db.run('INSERT INTO pair VALUES (?, ?, ?)', 'a', (1n << 62n) + 1n, Buffer.from('xyz')), 1);
  const row = db.first((r) => ({ n: r.integer('value'), b: r.bytes('bytes').toString() }), 'SELECT * FROM pair');
  assert.deepEqual(row, { n: (1n << 62n) + 1n, b: 'xyz' });
  assert.equal(
    db.first((r) => r.text('name'), 'SELECT * FROM pair WHERE name = ?', 'b'),
    undefined,
  );
  assert.throws(() => db.all((r) => r.number('value'), 'SELECT * FROM pair'), { code: 'INTERNAL' });
  assert.throws(() => db.all((r) => r.text('bytes'), 'SELECT * FROM pair'), { code: 'INTERNAL' });
});

test('openDatabase: every commit is synced', async (t) => {
  const db = openDatabase(await newPath(t), [first]);
  t.after(() => db.close());
  assert.equal(
    db.first((r) => r.text('journal_mode'), 'PRAGMA journal_mode'),
    'wal',
  );
  assert.equal(
    db.first((r) => r.number('synchronous'), 'PRAGMA synchronous'),
    2,
  );
});

test('transaction: all writes or none, and the database stays usable', async (t) => {
  const db = openDatabase(await newPath(t), [first]);
  t.after(() => db.close());
  const insert = (name: string): number => db.run('INSERT INTO pair (name) VALUES (?)', name);
  const failing = (): void =>
    db.transaction(() => {
      insert('a');
      insert('a');
    });
  assert.throws(failing, /UNIQUE/);
  db.transaction(() => insert('b'));
  assert.deepEqual(
    db.all((r) => r.text('name'), 'SELECT name FROM pair'),
    ['b'],
  );
});

test('transaction: a full disk is told as such, a commit that fails undoes all, and the database stays usable', async (t) => {
  const deferred = `CREATE TABLE part (pair TEXT REFERENCES pair (name) DEFERRABLE INITIALLY DEFERRED) STRICT`;
  const db = openDatabase(await newPath(t), [first, deferred]);
  t.after(() => db.close());
  const insert = (name: string): number =>
    db.run('INSERT INTO pair (name, bytes) VALUES (?, ?)', name, Buffer.alloc(4_000));
  db.all(() => undefined, 'PRAGMA max_page_count = 20');
  const tooMuch = (): void =>
    db.transaction(() => {
      for (let row = 0; row < 100; row++) insert(`row ${row}`);
    });
  assert.throws(tooMuch, /full/);
  const dangling = (): number => db.transaction(() => db.run("INSERT INTO part VALUES ('nobody')"));
  assert.throws(dangling, /FOREIGN KEY/);
  db.transaction(() => insert('b'));
  assert.deepEqual(
    db.all((r) => r.text('name'), 'SELECT name FROM pair'),
    ['b'],
  );
});

test('openDatabase: a file that cannot be made is one line that names it', async (t) => {
  const path = await newPath(t);
  await mkdir(`${path}.lock`, { recursive: true });
  assert.throws(() => openDatabase(path, []), {
    code: 'FAILED_PRECONDITION',
    message: /^cannot open database .*test\.sqlite: [^\n]+$/,
  });
});

test('openDatabase: later migrations run once over what is there, a newer file is refused', async (t) => {
  const path = await newPath(t);
  const old = openDatabase(path, [first]);
  old.run("INSERT INTO pair (name) VALUES ('a')");
  old.close();
  for (const _ of [1, 2]) {
    const db = openDatabase(path, [first, second]);
    assert.equal(
      db.first((r) => r.text('note'), 'SELECT note FROM pair'),
      'none',
    );
    db.close();
  }
  assert.throws(() => openDatabase(path, [first]), { code: 'FAILED_PRECONDITION', message: /of version 2/ });
});

test('openDatabase: a failing migration leaves the file as it was', async (t) => {
  const path = await newPath(t);
  assert.throws(() => openDatabase(path, [first, 'CREATE TABLE broken (']), { code: 'FAILED_PRECONDITION' });
  const db = openDatabase(path, [first]);
  t.after(() => db.close());
  assert.deepEqual(
    db.all((r) => r.text('name'), 'SELECT name FROM pair'),
    [],
  );
});

test('openDatabase: a second process is refused', async (t) => {
  const path = await newPath(t);
  const db = openDatabase(path, [first]);
  t.after(() => db.close());
  const program = `import { openDatabase } from ${JSON.stringify(new URL('./database.js', import.meta.url).href)};
    try { openDatabase(process.argv[1], []); } catch (error) { console.log(error.code, error.message); }`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program, path], { encoding: 'utf8' });
  assert.match(said, /^FAILED_PRECONDITION cannot open database .*: another process holds it/);
});

test('openDatabase: a shared one is open in two processes, whose transactions wait for each other', async (t) => {
  const path = await newPath(t);
  const db = openDatabase(path, [first], { shared: true });
  t.after(() => db.close());
  const program = `import { openDatabase } from ${JSON.stringify(new URL('./database.js', import.meta.url).href)};
    const db = openDatabase(process.argv[1], [${JSON.stringify(first)}], { shared: true });
    for (let n = 0; n < 50; n++) db.transaction(() => {
      const rows = db.all((row) => row.integer('value'), 'SELECT value FROM pair');
      db.run('INSERT OR REPLACE INTO pair VALUES (?, ?, NULL)', 'count', (rows[0] ?? 0n) + 1n);
    });
    db.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], { stdio: 'inherit' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let n = 0; n < 50; n++) {
    db.transaction(() => {
      const rows = db.all((row) => row.integer('value'), 'SELECT value FROM pair');
      db.run('INSERT OR REPLACE INTO pair VALUES (?, ?, NULL)', 'count', (rows[0] ?? 0n) + 1n);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await ended, 0);
  assert.equal(
    db.first((row) => row.integer('value'), 'SELECT value FROM pair'),
    100n,
  );
});
