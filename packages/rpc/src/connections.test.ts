import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionState, overdue } from './connections.js';

const limits = { maxConnections: 1, firstCallMs: 10_000, minBytesPerSecond: 1_000, idleMs: 60_000 };
const fresh: ConnectionState = { sinceMs: 0, lastCallMs: undefined, callsUnderWay: 0, bytesRead: 0 };
const cases: readonly (readonly [name: string, state: Partial<ConnectionState>, nowMs: number, ends: boolean])[] = [
  ['a new one stays', {}, 10_000, false],
  ['one that is silent ends', {}, 10_001, true],
  ['one that trickles ends', { bytesRead: 9_999 }, 10_001, true],
  ['one that sends a long first message stays', { bytesRead: 20_000 }, 20_000, false],
  ['and ends when it slows down', { bytesRead: 20_000 }, 20_001, true],
  ['one that waits for its first answer stays', { callsUnderWay: 1 }, 1e9, false],
  ['one that made a call stays', { lastCallMs: 1 }, 60_001, false],
  ['and ends when it makes none for long', { lastCallMs: 1 }, 60_002, true],
];
for (const [name, state, nowMs, ends] of cases) {
  test(`overdue: ${name}`, () => assert.equal(overdue({ ...fresh, ...state }, nowMs, limits) !== undefined, ends));
}
