import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair } from '@atoll/release/keys';
import { createDirector } from '../director.js';
import { admit, checkRequest, matches, type SpecRequest } from './admission.js';

const plain: SpecRequest = {
  name: '',
  model: 'birds',
  version: 2n,
  selector: {},
  waves: [],
  soak: undefined,
  maxFailures: 0,
  maxFailureRate: 0,
  nodeDeadlineMs: 0,
  approve: false,
  maxInFlight: 0,
  maxPerSite: 0,
  siteLabel: '',
  maxOffline: 0,
  waveSoakMs: 0,
  minSamples: 0,
  confidence: 0,
  metrics: undefined,
  onFailure: 'revert',
};
const noMetrics = {
  minRequests: 0,
  maxErrorRatio: 0,
  maxP99Ratio: 0,
  maxCrashes: 0,
  maxScoreDrift: 0,
  patienceMs: 0,
};
const free = () => false;

test('admit fills in what is not said', () => {
  assert.deepEqual(admit(plain, 'digest', free), {
    name: 'birds-v2',
    target: { model: 'birds', version: 2n, manifestSha256: 'digest' },
    selector: {},
    waves: ['10%', '50%', '100%'],
    soak: { durationMs: 30_000, minRequests: 20, maxErrorRate: 0.05, maxLatencyRatio: 5, prepareDeadlineMs: 60_000 },
    maxFailures: 0,
    maxFailureRate: 0.05,
    nodeDeadlineMs: 60_000,
    approve: false,
    maxInFlight: 0,
    maxPerSite: 0,
    siteLabel: 'site',
    maxOffline: 1,
    waveSoakMs: 0,
    minSamples: 20,
    confidence: 0.95,
    metrics: undefined,
    onFailure: 'revert',
  });
});

test('admit fills in a metric gate that is asked for', () => {
  const { metrics } = admit({ ...plain, metrics: { ...noMetrics, maxErrorRatio: 3 } }, 'digest', free);
  const expected = { minRequests: 100, maxErrorRatio: 3, maxP99Ratio: 2, maxCrashes: 0, maxScoreDrift: 0.25 };
  assert.deepEqual(metrics, { ...expected, patienceMs: 300_000 });
});

test('admit keeps what is said, field by field', () => {
  const soak = { durationMs: 7, minRequests: 0, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 0 };
  const spec = admit({ ...plain, soak, waves: ['1'], maxFailures: 3, maxFailureRate: 1, nodeDeadlineMs: 9 }, 'd', free);
  assert.deepEqual(spec.soak, { ...soak, minRequests: 20, maxLatencyRatio: 5, prepareDeadlineMs: 60_000 });
  assert.deepEqual([spec.waves, spec.maxFailures, spec.maxFailureRate, spec.nodeDeadlineMs], [['1'], 3, 1, 9]);
});

test('admit: a second rollout of a version gets a name of its own, a name that was asked for is never shared', () => {
  const taken = (name: string) => ['birds-v2', 'birds-v2-2'].includes(name);
  assert.equal(admit(plain, 'd', taken).name, 'birds-v2-3');
  assert.throws(() => admit({ ...plain, name: 'birds-v2' }, 'd', taken), { code: 'ALREADY_EXISTS' });
  assert.equal(admit({ ...plain, model: 'b'.repeat(63) }, 'd', free).name.length <= 63, true);
});

const largestSoak = {
  durationMs: 7 * 86_400_000,
  minRequests: 1e9,
  maxErrorRate: 1,
  maxLatencyRatio: 1e6,
  prepareDeadlineMs: 86_400_000,
};

test('checkRequest takes no soak that the director could not sign', () => {
  checkRequest({ ...plain, soak: largestSoak });
  const { privateKey } = generateKeyPair();
  const order = {
    nodeId: 'n',
    generation: 1n,
    rollout: 'r',
    downgradeOk: false,
    soak: largestSoak,
    attempt: 1,
    wave: 1,
  };
  const target = { model: 'birds', version: 2n, manifestSha256: 'a'.repeat(64) };
  assert.ok(createDirector(privateKey).sign({ ...order, target }, 1_000).envelope.length > 0);
});

const refused: readonly (readonly [fault: RegExp, change: Partial<SpecRequest>])[] = [
  [/model name/, { model: 'Birds' }],
  [/rollout name/, { name: 'a b' }],
  [/begin at 1/, { version: 0n }],
  [/101 waves/, { waves: Array.from({ length: 101 }, () => '1') }],
  [/failure rate/, { maxFailureRate: 1.5 }],
  [/failure rate/, { maxFailureRate: Number.NaN }],
  [/a day at most/, { nodeDeadlineMs: 86_400_001 }],
  [/label of the site/, { siteLabel: 's'.repeat(64) }],
  [/may be offline/, { maxOffline: 1.1 }],
  [/soak of a wave/, { waveSoakMs: 7 * 86_400_000 + 1 }],
  [/1,000,000 nodes/, { minSamples: 1_000_001 }],
  [/confidence/, { confidence: 0.4 }],
  [/confidence/, { confidence: 1 }],
  [/a ratio of the metric gate/, { metrics: { ...noMetrics, maxP99Ratio: 0.5 } }],
  [/a ratio of the metric gate/, { metrics: { ...noMetrics, maxErrorRatio: Number.NaN } }],
  [/score drift/, { metrics: { ...noMetrics, maxScoreDrift: -1 } }],
  [/patience/, { metrics: { ...noMetrics, patienceMs: 7 * 86_400_000 + 1 } }],
  [/seven days/, { soak: { ...largestSoak, durationMs: largestSoak.durationMs + 1 } }],
  [/1,000,000,000 requests/, { soak: { ...largestSoak, minRequests: largestSoak.minRequests + 1 } }],
  [/error rate of the soak/, { soak: { ...largestSoak, maxErrorRate: 1.1 } }],
  [/latency ratio/, { soak: { ...largestSoak, maxLatencyRatio: 2e6 } }],
  [/a day at most to prepare/, { soak: { ...largestSoak, prepareDeadlineMs: 86_400_001 } }],
];
for (const [fault, change] of refused) {
  test(`checkRequest refuses ${Object.keys(change).join()}: ${fault.source}`, () => {
    assert.throws(() => checkRequest({ ...plain, ...change }), { code: 'INVALID_ARGUMENT', message: fault });
  });
}

test('matches: every label of the selector, any others beside', () => {
  assert.equal(matches({}, { site: 'x' }), true);
  assert.equal(matches({ site: 'x' }, { site: 'x', hw: 'y' }), true);
  assert.equal(matches({ site: 'x', hw: 'z' }, { site: 'x', hw: 'y' }), false);
});
