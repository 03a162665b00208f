import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLeaseCounter } from './lease.js';

describe('a lease counter', () => {
  test('retire() settles when the last lease is back, and not before', async () => {
    const counter = createLeaseCounter();
    const [first, second] = [counter.acquire(), counter.acquire()];
    let drained = false;
    const retired = counter.retire().then(() => (drained = true));
    assert.equal(counter.acquire(), undefined);
    first?.release();
    first?.release();
    await Promise.resolve();
    assert.deepEqual([drained, counter.held], [false, 1]);
    second?.release();
    await retired;
    assert.deepEqual([drained, counter.held], [true, 0]);
  });

  test('retire() without leases settles at once', async () => {
    const counter = createLeaseCounter();
    await counter.retire();
    assert.equal(counter.acquire(), undefined);
  });
});
