import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '@atoll/base/error';
import { AtollError } from '@atoll/base/error';
import { errorAnswer, httpFault } from './answer.js';
import { encodingFor } from './compress.js';

test('errorAnswer(): the status of every code, and when to come again', () => {
  const table: readonly (readonly [ErrorCode, number, retryAfter: number | undefined])[] = [
    ['INVALID_ARGUMENT', 400, undefined],
    ['FAILED_PRECONDITION', 400, undefined],
    ['UNAUTHENTICATED', 401, undefined],
    ['PERMISSION_DENIED', 403, undefined],
    ['NOT_FOUND', 404, undefined],
    ['ALREADY_EXISTS', 409, undefined],
    ['RESOURCE_EXHAUSTED', 429, 1],
    ['CANCELLED', 499, undefined],
    ['INTERNAL', 500, undefined],
    ['DATA_LOSS', 500, undefined],
    ['UNIMPLEMENTED', 501, undefined],
    ['UNAVAILABLE', 503, 1],
    ['DEADLINE_EXCEEDED', 504, undefined],
  ];
  for (const [code, status, retryAfter] of table) {
    const answer = errorAnswer(new AtollError(code, 'why'));
    assert.deepEqual([answer.status, answer.headers['retry-after']], [status, retryAfter], code);
    assert.equal(Buffer.concat(answer.body).toString(), '{"error":"why"}');
  }
  const later = errorAnswer(new AtollError('RESOURCE_EXHAUSTED', 'full', { detail: { retryAfterMs: '1200' } }));
  assert.deepEqual([later.headers['retry-after'], later.headers['retry-after-ms']], [2, 1_200]);
  assert.equal(errorAnswer(httpFault(413, 'large')).status, 413);
  assert.equal(errorAnswer(httpFault(405, 'method', { allow: 'GET' })).headers['allow'], 'GET');
  const secret = errorAnswer(new TypeError('a secret of the inside'));
  assert.equal(secret.status, 500);
  assert.doesNotMatch(Buffer.concat(secret.body).toString(), /secret/);
});

test('encodingFor() takes gzip before deflate and nothing that has q=0', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['', undefined],
    ['gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['deflate', 'deflate'],
    ['gzip;q=0, deflate', 'deflate'],
    ['gzip; q=0.000', undefined],
    ['br, zstd', undefined],
    ['identity', undefined],
    ['*', undefined],
  ];
  for (const [accept, encoding] of table) assert.equal(encodingFor(accept), encoding, accept);
});
