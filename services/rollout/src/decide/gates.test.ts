import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeState, Verdict } from './classify.js';
import { trippedGate } from './gates.js';

const verdicts = (counts: Partial<Record<NodeState, number>>): Verdict[] =>
  Object.entries(counts).flatMap(([state, count]) =>
    Array.from({ length: count }, (_, index) => ({
      nodeId: `${state.toLowerCase()}-${index}`,
      wave: 1,
      state: state as NodeState,
      reasonCode: state === 'FAILED' ? 'GOLDEN_MISMATCH' : '',
      message: '',
      waits: false,
    })),
  );

const rows: readonly (readonly [Partial<Record<NodeState, number>>, number, number, boolean])[] = [
  [{ COMMITTED: 3 }, 1, 0, false],
  [{ FAILED: 1 }, 0, 0.05, true],
  [{ FAILED: 1, PENDING: 99 }, 0, 0.05, true],
  [{ ROLLED_BACK: 1, COMMITTED: 1 }, 0, 0.5, false],
  [{ ROLLED_BACK: 2, COMMITTED: 1 }, 0, 0.5, true],
  [{ TIMED_OUT: 1, COMMITTED: 18 }, 0, 0.05, true],
  [{ TIMED_OUT: 1, COMMITTED: 19 }, 0, 0.05, false],
  [{ FAILED: 1, IN_FLIGHT: 19 }, 0, 0.05, false],
  [{ FAILED: 2, IN_FLIGHT: 98 }, 0, 0.05, true],
  [{ FAILED: 1, IN_FLIGHT: 9 }, 0, 0.05, true],
  [{ FAILED: 2, COMMITTED: 98 }, 2, 1, true],
  [{ FAILED: 1, COMMITTED: 99 }, 2, 1, false],
  [{ OFFLINE: 5, COMMITTED: 1 }, 1, 0, false],
];
for (const [counts, maxFailures, maxFailureRate, trips] of rows) {
  const limits = `${maxFailures} failures, rate ${maxFailureRate}`;
  test(`trippedGate: ${JSON.stringify(counts)} with ${limits} ${trips ? 'trips' : 'passes'}`, () => {
    assert.equal(trippedGate({ maxFailures, maxFailureRate }, verdicts(counts)) !== undefined, trips);
  });
}

test('trippedGate names the nodes with their reasons', () => {
  const gate = trippedGate({ maxFailures: 0, maxFailureRate: 0.05 }, verdicts({ FAILED: 4, COMMITTED: 1 }));
  assert.equal(
    gate?.message,
    '4 of 5 judged nodes failed, more than 5 %: failed-0 GOLDEN_MISMATCH; failed-1 GOLDEN_MISMATCH; failed-2 GOLDEN_MISMATCH and 1 more',
  );
});

for (const [maxFailureRate, said] of [
  [0.07, 'more than 7 %'],
  [1e-9, 'more than 0 %'],
] as const) {
  test(`trippedGate says "${said}" of a rate of ${maxFailureRate}`, () => {
    const gate = trippedGate({ maxFailures: 0, maxFailureRate }, verdicts({ FAILED: 1 }));
    assert.ok(gate?.message.includes(`failed, ${said}:`), gate?.message);
  });
}
