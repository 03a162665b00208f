import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Database, openDatabase } from '@atoll/database/database';
import { newVersion, oldVersion, sampleSpec } from '../rollout-for-tests.js';
import { desiredStore } from './desired-store.js';
import { eventLog } from './event-log.js';
import { migrations } from './migrations.js';
import { type NewRollout, rolloutStore } from './rollout-store.js';

async function newDatabase(t: TestContext): Promise<{ readonly db: Database; readonly reopen: () => Database }> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-rollout-'));
  const path = join(folder, 'rollout.sqlite');
  let db = openDatabase(path, migrations);
  t.after(async () => {
    db.close();
    await rm(folder, { recursive: true });
  });
  const reopen = (): Database => {
    db.close();
    db = openDatabase(path, migrations);
    return db;
  };
  return { db, reopen };
}

const standing = { phase: 'Pending', wave: 0, reason: 'Accepted', message: 'm', blockedOn: ['controller'] } as const;
const soak = { durationMs: 1_000, minRequests: 1, maxErrorRate: 0.5, maxLatencyRatio: 3, prepareDeadlineMs: 5_000 };
const named = (name: string): NewRollout => ({
  uid: `uid of ${name}`,
  spec: { ...sampleSpec, name, soak, selector: { site: 'x' } },
  standing,
  plan: [['c'], ['a', 'b']],
  createdMs: 7,
});

test('add and load: spec, plan in its order and standing, also after the file was closed', async (t) => {
  const { db, reopen } = await newDatabase(t);
  rolloutStore(db).add(named('one'));
  const store = rolloutStore(reopen());
  const rollout = store.load('one');
  assert.deepEqual(rollout?.spec, named('one').spec);
  assert.deepEqual(rollout.standing, standing);
  assert.deepEqual(
    rollout.members.map(({ nodeId, wave, generation }) => [nodeId, wave, generation]),
    [
      ['c', 1, 0n],
      ['a', 2, 0n],
      ['b', 2, 0n],
    ],
  );
  assert.deepEqual(rollout.waves, [
    { startedMs: 0, passedMs: 0 },
    { startedMs: 0, passedMs: 0 },
  ]);
  assert.equal(store.load('two'), undefined);
});

test('write refuses a standing over a revision that is no longer the newest', async (t) => {
  const store = rolloutStore((await newDatabase(t)).db);
  store.add(named('one'));
  const stale = store.load('one');
  assert.ok(stale);
  store.write(stale, { ...standing, phase: 'Progressing', wave: 1 }, 8);
  assert.throws(() => store.write(stale, standing, 9), { code: 'INTERNAL', message: /revision/ });
  const { standing: kept, updatedMs, revision } = store.load('one') ?? {};
  assert.deepEqual([kept?.phase, updatedMs, revision], ['Progressing', 8, 2]);
});

test('assign, change and revert write one member each', async (t) => {
  const store = rolloutStore((await newDatabase(t)).db);
  store.add(named('one'));
  const rollout = store.load('one');
  assert.ok(rollout);
  store.assign(rollout, 'a', { previous: oldVersion, generation: 1n << 40n, assignedMs: 1, heardMs: 0 });
  store.change(rollout, { nodeId: 'a', heardMs: 2, ended: { outcome: 'FAILED', reasonCode: 'R', message: 'm' } });
  store.revert(rollout, 'a', { revertGeneration: 9n, assignedMs: 3, heardMs: 3 });
  store.change(rollout, { nodeId: 'a', back: true });
  assert.deepEqual(
    store.load('one')?.members.find(({ nodeId }) => nodeId === 'a'),
    {
      nodeId: 'a',
      wave: 2,
      previous: oldVersion,
      generation: 1n << 40n,
      assignedMs: 3,
      heardMs: 3,
      outcome: 'FAILED',
      reasonCode: 'R',
      message: 'm',
      revertGeneration: 9n,
      back: true,
    },
  );
  assert.ok(
    store
      .load('one')
      ?.members.filter(({ nodeId }) => nodeId !== 'a')
      .every(({ generation }) => generation === 0n),
  );
});

test('startWave and passWave keep the first time', async (t) => {
  const store = rolloutStore((await newDatabase(t)).db);
  store.add(named('one'));
  const rollout = store.load('one');
  assert.ok(rollout);
  for (const time of [5, 6]) store.startWave(rollout, 1, time);
  for (const time of [7, 8]) store.passWave(rollout, 1, time);
  assert.deepEqual(store.load('one')?.waves[0], { startedMs: 5, passedMs: 7 });
});

test('atWork and page: what is not final, oldest first; everything, newest first', async (t) => {
  const store = rolloutStore((await newDatabase(t)).db);
  for (const name of ['one', 'two', 'three']) store.add(named(name));
  const two = store.load('two');
  assert.ok(two);
  store.write(two, { ...standing, phase: 'Complete' }, 8);
  assert.deepEqual(
    store.atWork().map(({ spec }) => spec.name),
    ['one', 'three'],
  );
  const first = store.page(undefined, 2);
  assert.deepEqual(
    [...first, ...store.page(first.at(-1)?.number, 2)].map(({ rollout }) => rollout.spec.name),
    ['three', 'two', 'one'],
  );
});

test('withStragglers: complete rollouts of which a node has still to answer its newest state', async (t) => {
  const { db } = await newDatabase(t);
  const store = rolloutStore(db);
  const desired = desiredStore(db);
  store.add(named('one'));
  const one = store.load('one');
  assert.ok(one);
  store.assign(one, 'a', { previous: undefined, generation: 3n, assignedMs: 1, heardMs: 0 });
  store.write(one, { ...standing, phase: 'Complete' }, 8);
  const tell = (generation: bigint): void =>
    desired.put({ nodeId: 'a', generation, rollout: 'one', target: newVersion, envelope: Buffer.from('e') });
  tell(3n);
  assert.equal(store.withStragglers().length, 1);
  tell(4n);
  assert.equal(store.withStragglers().length, 0);
});

test('event log: offsets rise by one from 1, also over a transaction that was undone', async (t) => {
  const { db } = await newDatabase(t);
  const log = eventLog(db);
  const append = (kind: string): void =>
    log.append({ timeMs: 1, actor: 'x', kind, rollout: '', nodeId: '', message: '' });
  append('a');
  assert.throws(() =>
    db.transaction(() => {
      append('lost');
      throw new Error('undo');
    }),
  );
  append('b');
  assert.deepEqual(
    log.list(0n, 10).map(({ offset, kind }) => `${offset}${kind}`),
    ['1a', '2b'],
  );
  assert.deepEqual(
    log.list(2n, 10).map(({ kind }) => kind),
    ['b'],
  );
});
