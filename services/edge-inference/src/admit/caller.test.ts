import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { levelOf, schedulingOf } from './caller.js';

const taken: readonly (readonly [priority: unknown, timeoutUs: unknown, scheduling: object])[] = [
  [undefined, undefined, { priority: 0 }],
  [0n, 0n, { priority: 0 }],
  [1, 1_500, { priority: 1, timeoutMs: 1.5 }],
  [3n, 2_000_000n, { priority: 3, timeoutMs: 2_000 }],
  ['7', '10', { priority: 7, timeoutMs: 0.01 }],
];
for (const [priority, timeoutUs, scheduling] of taken) {
  test(`schedulingOf takes ${String(priority)} and ${String(timeoutUs)}`, () =>
    assert.deepEqual(schedulingOf(priority, timeoutUs), scheduling));
}

for (const wrong of [-1, 1.5, -1n, 'soon', true, null, {}, Number.NaN]) {
  test(`schedulingOf refuses ${inspect(wrong)}`, () => {
    assert.throws(() => schedulingOf(wrong, undefined), { code: 'INVALID_ARGUMENT', message: /^cannot use priority / });
    assert.throws(() => schedulingOf(undefined, wrong), { code: 'INVALID_ARGUMENT', message: /^cannot use timeout / });
  });
}

test('levelOf: 0 and what is beyond the lowest level are the default, 1 is the most urgent', () => {
  assert.deepEqual([0, 1, 5, 10, 11, 1e30].map(levelOf), [5, 1, 5, 10, 5, 5]);
});
