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

test('requestOf: approval and budgets arrive; without them the controller has its defaults', () => {
  const budgets = { approve: true, waveSoak: 2_000, maxInFlight: 5, maxPerSite: 1, maxOffline: 0 };
  const spec = StartRolloutRequest.decode(
    StartRolloutRequest.encode(requestOf({ ...asked, ...budgets })).finish(),
  ).spec;
  assert.deepEqual(
    [spec?.approve, spec?.waveSoakMs, spec?.maxInFlight, spec?.maxPerSite, (spec?.maxOffline ?? 1) < 1e-8],
    [true, 2_000, 5, 1, true],
  );
  const plain = sent({});
  assert.deepEqual(
    [plain?.approve, plain?.waveSoakMs, plain?.maxInFlight, plain?.maxPerSite, plain?.maxOffline],
    [false, 0, 0, 0, 0],
  );
});
