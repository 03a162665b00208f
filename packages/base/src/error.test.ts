import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AtollError } from './error.js';

test('an AtollError is one line without control characters', () => {
  const error = new AtollError('DATA_LOSS', 'cannot read a\r\nb\u001b[2Jc: \u202ed');
  assert.equal(error.message, 'cannot read a b [2Jc:  d');
});

test('an AtollError is cut to a bounded length', () => {
  const { message } = new AtollError('DATA_LOSS', `cannot read ${'x'.repeat(100_000)}`);
  assert.equal(message.length, 2_001);
  assert.ok(message.endsWith('x…'));
});
