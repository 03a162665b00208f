import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoom } from './room.js';

test('a room gives what it and the one above have, takes nothing when it refuses, and has back what is given back', () => {
  const above = createRoom(10);
  const [one, other] = [createRoom(6, above), createRoom(6, above)];
  assert.ok(!one.take(7));
  assert.ok(one.take(6));
  assert.ok(!one.take(1));
  assert.ok(!other.take(5));
  assert.ok(other.take(4));
  assert.ok(one.take(-3));
  assert.ok(other.take(2));
  assert.ok(!one.take(2));
});
