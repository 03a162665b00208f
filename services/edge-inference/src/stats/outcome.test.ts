import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '@atoll/base/error';
import type { Outcome } from './outcome.js';
import { outcomeOf } from './outcome.js';

test('outcomeOf(): code, whether the caller is gone, whether its time had run out', () => {
  const table: [ErrorCode, gone: boolean, late: boolean, Outcome][] = [
    ['INVALID_ARGUMENT', false, false, 'invalid'],
    ['NOT_FOUND', false, false, 'invalid'],
    ['RESOURCE_EXHAUSTED', false, false, 'rejected'],
    ['DEADLINE_EXCEEDED', false, true, 'deadline'],
    ['UNAVAILABLE', false, false, 'unavailable'],
    ['INTERNAL', false, false, 'error'],
    ['DATA_LOSS', false, true, 'error'],
    ['INTERNAL', true, false, 'cancelled'],
    ['CANCELLED', true, false, 'cancelled'],
    ['CANCELLED', true, true, 'deadline'],
    ['UNAVAILABLE', true, true, 'deadline'],
  ];
  for (const [code, gone, late, expected] of table) {
    const caller = { signal: gone ? AbortSignal.abort() : new AbortController().signal, deadlineMs: late ? 5 : 500 };
    assert.equal(outcomeOf(code, caller, 100), expected, `${code} ${gone ? 'gone' : 'there'} ${late ? 'late' : ''}`);
  }
});
