import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '@atoll/database/database';
import { firstBreak } from '@atoll/release/audit-chain';
import { brokenEvent } from './event-log.js';
import { migrations } from './migrations.js';
import { databaseStores, type DurableStores } from './stores.js';
import { storeKinds } from './stores-for-tests.js';

for (const [kind, open] of storeKinds) {
  test(`${kind}: event log: each is chained to the one before, also after one that was undone and after the process ended`, (t) => {
    const { stores, reopen } = open(t);
    const append = ({ events }: DurableStores, event: string): void =>
      events.append({ timeMs: 1, actor: 'x', kind: event, rollout: '', nodeId: '', message: '', evidence: '{"n":1}' });
    stores.transaction(() => ['a', 'b', 'c'].forEach((event) => append(stores, event)));
    const failing = (): void =>
      stores.transaction(() => {
        append(stores, 'lost');
        throw new Error('undo');
      });
    assert.throws(failing);
    const after = reopen();
    after.transaction(() => append(after, 'd'));
    const events = after.events.list(0n, 10);
    assert.deepEqual(
      events.map(({ kind: event, evidence }) => event + evidence),
      ['a{"n":1}', 'b{"n":1}', 'c{"n":1}', 'd{"n":1}'],
    );
    assert.equal(firstBreak(events), undefined);
    assert.equal(after.events.head()?.sha256, events.at(-1)?.sha256);
    for (const limit of [1, 3, 4, 9]) assert.equal(brokenEvent(after.events, limit), undefined);
  });

  test(`${kind}: event log: offsets rise by one from 1, also over a transaction that was undone`, (t) => {
    const { events, transaction } = open(t).stores;
    const append = (event: string): void =>
      events.append({ timeMs: 1, actor: 'x', kind: event, rollout: '', nodeId: '', message: '' });
    const failing = (): void =>
      transaction(() => {
        append('lost');
        throw new Error('undo');
      });
    transaction(() => append('a'));
    assert.throws(failing);
    transaction(() => append('b'));
    assert.deepEqual(
      events.list(0n, 10).map(({ offset, kind: event }) => `${offset}${event}`),
      ['1a', '2b'],
    );
    assert.deepEqual(
      events.list(2n, 10).map(({ kind: event }) => event),
      ['b'],
    );
  });
}

test('database: events from before there was a chain are chained once; one that is altered later is found', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-rollout-'));
  const path = join(folder, 'rollout.sqlite');
  const old = openDatabase(path, migrations.slice(0, 1));
  for (const kind of ['a', 'b', 'c'])
    old.run(
      'INSERT INTO event (time_ms, actor, kind, rollout, node_id, message) VALUES (1, ?, ?, ?, ?, ?)',
      'x',
      kind,
      '',
      '',
      '',
    );
  old.close();
  const db = openDatabase(path, migrations);
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  const { events } = databaseStores(db);
  assert.equal(firstBreak(events.list(0n, 10)), undefined);
  const digests = events.list(0n, 10).map(({ sha256 }) => sha256);
  assert.deepEqual(
    databaseStores(db)
      .events.list(0n, 10)
      .map(({ sha256 }) => sha256),
    digests,
  );
  db.run("UPDATE event SET message = 'other' WHERE offset = 2");
  assert.equal(brokenEvent(events, 10)?.offset, 2n);
});
