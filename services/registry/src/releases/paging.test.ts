import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageSizeOf, pageToken, parsePageToken } from './paging.js';

test('parsePageToken reads what pageToken wrote, and nothing else', () => {
  const end = { model: 'birds-2', version: 17n };
  assert.deepEqual(parsePageToken(pageToken(end)), end);
  assert.equal(parsePageToken(''), undefined);
  for (const token of ['x', 'birds/', 'birds/0', 'birds/1/2', "b';--/1"]) {
    assert.throws(() => parsePageToken(token), { code: 'INVALID_ARGUMENT' }, token);
  }
});

test('pageSizeOf: 100 unless asked, 1,000 at most', () => {
  assert.deepEqual([0, 1, 1_000].map(pageSizeOf), [100, 1, 1_000]);
  assert.throws(() => pageSizeOf(1_001), { code: 'INVALID_ARGUMENT' });
});
