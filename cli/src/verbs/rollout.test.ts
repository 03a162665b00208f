import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartRolloutRequest } from '@atoll/proto/atoll/v1/rollout';
import { requestOf } from './rollout.js';

const asked = { model: 'photos', version: 2, soak: 30_000, maxFailures: 0, maxFailureRate: 0.05 };
/** As it arrives. */
const sent = (change: Partial<typeof asked>) =>
  StartRolloutRequest.decode(StartRolloutRequest.encode(requestOf({ ...asked, ...change })).finish()).spec;

test('requestOf: a failure rate and a soak of zero do not arrive as the zero that means the default', () => {
  const { maxFailureRate = 0, soak } = sent({ soak: 0, maxFailureRate: 0 }) ?? {};
  assert.ok(maxFailureRate > 0 && maxFailureRate < 1e-8, String(maxFailureRate));
  assert.equal(soak?.durationMs, 1);
});

test('requestOf: what was asked arrives', () => {
  const spec = sent({ maxFailures: 3, maxFailureRate: 0.25 });
  assert.deepEqual(
    [spec?.model, spec?.version, spec?.soak?.durationMs, spec?.maxFailures, spec?.maxFailureRate],
    ['photos', 2n, 30_000, 3, 0.25],
  );
});
