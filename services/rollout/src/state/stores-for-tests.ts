/** The kinds of stores there are, each to be opened anew and after its process is no more. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Database, openDatabase } from '@atoll/database/database';
import { memoryStores } from './memory/stores.js';
import { migrations } from './migrations.js';
import { cachedStores } from './rollout-cache.js';
import { databaseStores, type DurableStores } from './stores.js';

/** Stores, and the same after the process that had them is no more. */
interface Opened {
  readonly stores: DurableStores;
  readonly reopen: () => DurableStores;
}

function openDatabaseStores(t: TestContext): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-rollout-'));
  const open = (): Database => openDatabase(join(folder, 'rollout.sqlite'), migrations);
  let db = open();
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  const reopen = (): DurableStores => {
    db.close();
    db = open();
    return databaseStores(db);
  };
  return { stores: databaseStores(db), reopen };
}

/** As a core has them: rollouts at work are kept in memory over the store. */
function withCache(open: (t: TestContext) => Opened): (t: TestContext) => Opened {
  return (t) => {
    const { stores, reopen } = open(t);
    return { stores: cachedStores(stores), reopen: () => cachedStores(reopen()) };
  };
}

function openMemoryStores(): Opened {
  const stores = memoryStores();
  const reopen = (): DurableStores => {
    stores.power.cut();
    assert.throws(() => stores.rollouts.has('one'), { code: 'UNAVAILABLE' });
    stores.power.restore();
    return stores;
  };
  return { stores, reopen };
}

/** By name. */
export const storeKinds = [
  ['database', openDatabaseStores],
  ['memory', openMemoryStores],
  ['cached database', withCache(openDatabaseStores)],
  ['cached memory', withCache(openMemoryStores)],
] as const;
