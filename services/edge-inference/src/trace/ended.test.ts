import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@atoll/base/log';
import type { Outcome } from '../stats/outcome.js';
import { failedRequest } from '../stats/requests-for-tests.js';
import { createEnded } from './ended.js';
import type { RequestTrace } from './request-trace.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

function failed(outcome: Outcome): RequestTrace {
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const request = { ...failedRequest, outcome };
  return { model: 'intel', version: 3n, request, traceparent, tracestate: undefined, error: 'it broke' };
}

test('createEnded(): a failure of the node is a line with its trace, one of the caller is none, a flood is a few lines', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ service: 'test', write: (line) => void lines.push(JSON.parse(line)) });
  let nowMs = 0;
  const ended = createEnded(undefined, log, { nowMs: () => nowMs, monotonicMs: () => nowMs });
  for (const outcome of ['invalid', 'deadline', 'cancelled', 'rejected'] as const) ended(failed(outcome));
  assert.deepEqual(lines, []);
  ended(failed('unavailable'));
  const told = ['model', 'version', 'outcome', 'traceId', 'reason'].map((field) => lines[0]?.[field]);
  assert.deepEqual(told, ['intel', '3', 'unavailable', traceId, 'it broke']);
  for (let i = 0; i < 100; i++) ended(failed('error'));
  assert.equal(lines.length, 5);
  nowMs = 1_000;
  ended(failed('error'));
  assert.deepEqual([lines.length, lines[5]?.['unsaid']], [6, 96]);
});
