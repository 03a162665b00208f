import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { longestPooledBytes, MessagePool } from './message-pool.js';

describe('MessagePool', () => {
  test('gives memory again that was given back, for another length of the same size', () => {
    const pool = new MessagePool();
    const first = pool.take(70_000);
    const second = pool.take(70_000);
    assert.notEqual(second.buffer, first.buffer);
    pool.giveBack(first);
    const third = pool.take(100_000);
    assert.equal(third.buffer, first.buffer);
    assert.equal(third.length, 100_000);
  });

  test('takes memory back once, and none that it did not give', () => {
    const pool = new MessagePool();
    const memory = pool.take(65_536);
    pool.giveBack(memory);
    pool.giveBack(memory);
    assert.equal(pool.take(65_536).buffer, memory.buffer);
    assert.notEqual(pool.take(65_536).buffer, memory.buffer);
    const others = Buffer.from(new ArrayBuffer(65_536));
    pool.giveBack(others.subarray(5));
    assert.notEqual(pool.take(65_536).buffer, others.buffer);
  });

  for (const length of [0, 1, longestPooledBytes + 1]) {
    test(`does not keep ${length} bytes`, () => {
      const pool = new MessagePool();
      const memory = pool.take(length);
      assert.equal(memory.length, length);
      pool.giveBack(memory);
      assert.notEqual(pool.take(length).buffer, memory.buffer);
    });
  }
});
