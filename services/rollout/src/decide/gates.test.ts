import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from './board.js';
import type { NodeState } from './classify.js';
import { doubtfulFailures, failureNumbers, trippedGate } from './gates.js';

type Numbers = Partial<Record<NodeState, number>>;

function board(counts: Numbers, acknowledged: Numbers = {}): Board {
  const made = new Board(1);
  for (const [numbers, isAcknowledged] of [
    [counts, false],
    [acknowledged, true],
  ] as const) {
    for (const [state, count] of Object.entries(numbers)) {
      for (let index = 0; index < count; index++) {
        made.place({
          nodeId: `${isAcknowledged ? 'old-' : ''}${state.toLowerCase()}-${index}`,
          wave: 1,
          state: state as NodeState,
          reasonCode: state === 'FAILED' ? 'GOLDEN_MISMATCH' : '',
          message: '',
          waits: false,
          acknowledged: isAcknowledged,
          site: '',
          exposed: false,
          way: 'none',
        });
      }
    }
  }
  return made;
}
const limits = { maxFailures: 0, maxFailureRate: 0.05, minSamples: 20, confidence: 0.95 };

const rows: readonly (readonly [Numbers, maxFailures: number, maxFailureRate: number, trips: boolean])[] = [
  [{ COMMITTED: 3 }, 1, 0, false],
  [{ FAILED: 1 }, 0, 0.05, true],
  [{ FAILED: 1, PENDING: 99 }, 0, 0.05, true],
  [{ ROLLED_BACK: 1, COMMITTED: 1 }, 0, 0.05, true],
  [{ ROLLED_BACK: 1, COMMITTED: 1 }, 0, 0.5, false],
  [{ ROLLED_BACK: 2, COMMITTED: 1 }, 0, 0.5, false],
  [{ ROLLED_BACK: 6, COMMITTED: 1 }, 0, 0.5, true],
  [{ TIMED_OUT: 1, COMMITTED: 9 }, 0, 0.05, false],
  [{ FAILED: 1, IN_FLIGHT: 3 }, 0, 0.05, true],
  [{ FAILED: 1, IN_FLIGHT: 9 }, 0, 0.05, false],
  [{ FAILED: 2, IN_FLIGHT: 98 }, 0, 0.05, false],
  [{ FAILED: 3, IN_FLIGHT: 97 }, 0, 0.05, true],
  [{ FAILED: 8, COMMITTED: 92 }, 0, 0.05, false],
  [{ FAILED: 10, COMMITTED: 90 }, 0, 0.05, true],
  [{ FAILED: 2, COMMITTED: 98 }, 2, 1, true],
  [{ FAILED: 1, COMMITTED: 99 }, 2, 1, false],
  [{ OFFLINE: 5, COMMITTED: 1 }, 1, 0, false],
];
for (const [counts, maxFailures, maxFailureRate, trips] of rows) {
  const of = `${maxFailures} failures, rate ${maxFailureRate}`;
  test(`trippedGate: ${JSON.stringify(counts)} with ${of} ${trips ? 'trips' : 'passes'}`, () => {
    const tripped = trippedGate({ ...limits, maxFailures, maxFailureRate }, board(counts));
    assert.equal(tripped !== undefined, trips);
  });
}

test('trippedGate names the nodes with their reasons', () => {
  assert.equal(
    trippedGate(limits, board({ FAILED: 4, COMMITTED: 1 })),
    '4 of 5 judged nodes failed, more than 5 %: failed-0 GOLDEN_MISMATCH; failed-1 GOLDEN_MISMATCH; failed-2 GOLDEN_MISMATCH and 1 more',
  );
});

for (const [maxFailureRate, said] of [
  [0.07, 'more than 7 %'],
  [1e-9, 'more than 0 %'],
] as const) {
  test(`trippedGate says "${said}" of a rate of ${maxFailureRate}`, () => {
    const message = trippedGate({ ...limits, maxFailureRate }, board({ FAILED: 1 }));
    assert.ok(message?.includes(`failed, ${said}:`), message);
  });
}

test('trippedGate: more nodes at it, more confidence or more samples wanted make it slower', () => {
  const two = { FAILED: 2, COMMITTED: 8 };
  assert.equal(trippedGate(limits, board(two)) === undefined, false);
  assert.equal(trippedGate({ ...limits, confidence: 0.9999 }, board(two)), undefined);
  assert.equal(trippedGate({ ...limits, minSamples: 40 }, board({ ...two, IN_FLIGHT: 30 })), undefined);
});

test('failureNumbers: failures that a person acknowledged are as if they had not been', () => {
  const numbers = failureNumbers(limits, board({ FAILED: 1, COMMITTED: 9 }, { FAILED: 5, TIMED_OUT: 1 }));
  assert.deepEqual([numbers.failed, numbers.judged, numbers.rate], [1, 10, 0.1]);
  assert.equal(trippedGate(limits, board({ COMMITTED: 1 }, { FAILED: 9 })), undefined);
  assert.notEqual(trippedGate(limits, board({ FAILED: 1 }, { FAILED: 9 })), undefined);
});

test('doubtfulFailures: over the limit as seen, within it as far as is sure', () => {
  assert.equal(doubtfulFailures(limits, board({ FAILED: 1, COMMITTED: 19 })), undefined);
  const doubt = doubtfulFailures(limits, board({ FAILED: 1, COMMITTED: 9 }));
  assert.match(doubt ?? '', /^1 of 10 judged nodes failed, 10 %: too few to be sure .* \(at least 2.\d+ %\): failed-0/);
});
