import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requestThatTook } from '../stats/requests-for-tests.js';
import { createStats } from '../stats.js';
import type { Decision } from '../swap/decisions.js';
import type { VersionDescription } from '../swap/description.js';
import { modelWords, type VersionFacts } from './words.js';

function facts(version: Partial<VersionDescription>, more: Partial<VersionFacts> = {}): VersionFacts {
  const described: VersionDescription = {
    version: 4n,
    manifestSha256: '',
    label: 'stable',
    state: 'ready',
    trafficPercent: 100,
    shadowPercent: 0,
    backend: 'native-litert',
    device: 'cpu',
    memoryBytes: 0,
    probeMs: 0,
    stats: createStats().snapshot(),
    compared: 0,
    meanAbsError: 0,
    skipped: 0,
    trial: undefined,
    leases: 0,
    ...version,
  };
  return { version: described, backendRule: 'auto', trials: [], fallbacks: 0, fault: undefined, ...more };
}

function words(versions: readonly VersionFacts[], decisions: readonly Decision[] = [], previous?: bigint): string {
  const model = { owner: 'node' as const, previous, decisions };
  return modelWords({ model, versions, waiting: 0, waitingLimit: 64 }).join(' ');
}

describe('modelWords()', () => {
  test('says why a version runs where it runs', () => {
    const trials = [
      { backend: 'native-litert' as const, medianMs: 1, p99Ms: 2, refusal: undefined },
      { backend: 'wasm' as const, medianMs: 3, p99Ms: 4, refusal: undefined },
    ];
    assert.match(words([facts({})]), /v4 is stable, on native-litert \(cpu\), and gets 100 % .* not timed yet/);
    assert.match(words([facts({}, { trials })]), /timed here: native-litert of native-litert 1.00 ms, wasm 3.00 ms/);
    assert.match(words([facts({}, { backendRule: 'wasm' })]), /because the node was told wasm/);
    assert.match(words([facts({ backend: 'edgetpu', device: 'usb:0' })]), /because there is one/);
  });

  test('says what went wrong: requests, crashes, fallbacks, a fault, a refusal', () => {
    const stats = createStats();
    stats.record(requestThatTook(2));
    stats.record({ ...requestThatTook(0), outcome: 'error' });
    stats.crashed();
    const told = words(
      [facts({ stats: stats.snapshot() }, { fallbacks: 7, fault: 'it ends every process' })],
      [{ atMs: 1, kind: 'refused', version: 5n, label: undefined, reason: 'GOLDEN_MISMATCH: element 3' }],
    );
    assert.match(told, /v4 ran 2 requests, 1 of them failed/);
    assert.match(told, /7 of its requests ran elsewhere/);
    assert.match(told, /ended unasked 1 times/);
    assert.match(told, /cannot answer at present: it ends every process/);
    assert.match(told, /v5 was refused: GOLDEN_MISMATCH: element 3/);
  });

  test('says what comes next', () => {
    const trial = { elapsedMs: 5, verdict: { kind: 'wait' as const } };
    assert.match(words([facts({ trial })], [], 3n), /v4 is on trial; should it fail, v3 would come back\.$/);
    assert.match(words([facts({ trial })]), /there is no version to go back to\.$/);
    const shadow = facts({ version: 5n, label: 'shadow', trafficPercent: 0, shadowPercent: 10, trial });
    assert.match(
      words([facts({}), shadow]),
      /v5 is shadow, .* copies of 10 %.*on trial as shadow; .* it is removed\.$/,
    );
    assert.match(words([facts({})]), /Nothing is under way\.$/);
    assert.match(words([]), /^Nothing of it serves\./);
    assert.match(words([facts({ state: 'resting' })]), /rests for want of memory/);
  });
});
