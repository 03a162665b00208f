import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExpired } from './expiry.js';
import { judgeVersion, raisedFloor, type VersionVerdict } from './floor.js';
import { decideDesired, type OrderVerdict, type SeenState } from './order.js';

const seen = (generation: bigint, payloadSha256: string): SeenState => ({ generation, payloadSha256 });
const orders: readonly (readonly [last: SeenState | undefined, incoming: SeenState, verdict: OrderVerdict])[] = [
  [undefined, seen(1n, 'a'), 'apply'],
  [seen(1n, 'a'), seen(2n, 'b'), 'apply'],
  [seen(1n, 'a'), seen(9n, 'b'), 'apply'],
  [seen(2n, 'b'), seen(2n, 'b'), 'same'],
  [seen(2n, 'b'), seen(2n, 'c'), 'equivocation'],
  [seen(2n, 'b'), seen(1n, 'a'), 'stale'],
];
for (const [last, incoming, verdict] of orders) {
  test(`decideDesired: ${incoming.generation}${incoming.payloadSha256} after ${last?.generation}${last?.payloadSha256} is ${verdict}`, () => {
    assert.equal(decideDesired(last, incoming), verdict);
  });
}

const versions: readonly (readonly [
  version: bigint,
  downgradeOk: boolean,
  current: bigint,
  floor: bigint,
  verdict: VersionVerdict,
])[] = [
  [1n, false, 0n, 0n, 'ok'],
  [2n, false, 2n, 0n, 'ok'],
  [3n, false, 2n, 3n, 'ok'],
  [1n, false, 2n, 0n, 'downgrade'],
  [1n, true, 2n, 0n, 'ok'],
  [1n, true, 2n, 2n, 'below-floor'],
  [1n, false, 2n, 2n, 'below-floor'],
];
for (const [version, downgradeOk, current, floor, verdict] of versions) {
  test(`judgeVersion: v${version}${downgradeOk ? ' (downgrade meant)' : ''} over v${current}, floor ${floor}, is ${verdict}`, () => {
    assert.equal(judgeVersion({ version, downgradeOk }, { current, floor }), verdict);
  });
}

test('raisedFloor rises and never sinks', () => {
  assert.equal(raisedFloor(2n, { minVersionFloor: 3n }), 3n);
  assert.equal(raisedFloor(3n, { minVersionFloor: 2n }), 3n);
});

test('isExpired begins after the millisecond named', () => {
  assert.deepEqual(
    [999, 1_000, 1_000.9, 1_001].map((nowMs) => isExpired(1_000n, nowMs)),
    [false, false, false, true],
  );
});
