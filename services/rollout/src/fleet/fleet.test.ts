import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@atoll/base/clock';
import { generateKeyPair } from '@atoll/release/keys';
import { NodeForTests } from '../node-for-tests.js';
import type { NodeRecord } from '../state/node-store.js';
import { createFleet } from './fleet.js';
import { openSigned } from './open-signed.js';

test('takeDirty gives a record again when it could not be kept, and once only when it was', () => {
  const node = new NodeForTests('n', generateKeyPair().publicKey, systemClock);
  const fleet = createFleet({
    enrolled: [node.enrolled],
    known: [],
    openStatus: openSigned,
    clock: systemClock,
    offlineAfterMs: 1_000,
  });
  node.send = (bytes) => void fleet.take('n', bytes);
  const kept: string[] = [];
  const keep = (records: readonly NodeRecord[]): void => void kept.push(...records.map(({ nodeId }) => nodeId));
  assert.equal(fleet.takeDirty(keep), false);
  node.start();
  const full = (): void => {
    throw new Error('the disk is full');
  };
  assert.throws(() => fleet.takeDirty(full), /full/);
  assert.equal(fleet.takeDirty(keep), true);
  assert.equal(fleet.takeDirty(keep), false);
  assert.deepEqual(kept, ['n']);
});
