import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import type { DesiredState } from '@atoll/proto/atoll/v1/release';
import { openDesired, readDesired, sealDesired } from './desired.js';
import { generateKeyPair, publicKeySet } from './keys.js';
import { sampleDesired } from './samples-for-tests.js';

const director = generateKeyPair();
const trusted = publicKeySet([director.publicKey]);
const envelope = sealDesired(sampleDesired(), director.privateKey);

test('openDesired gives the sealed state and the digest of its payload', () => {
  const { desired, payloadSha256 } = openDesired(envelope, trusted, 'node-1', 9_000);
  // Floats have 32 bits on the wire.
  assert.equal(Math.fround(desired.soak?.maxErrorRate ?? 0), Math.fround(0.05));
  assert.deepEqual({ ...desired, soak: undefined }, sampleDesired({ soak: undefined }));
  assert.equal(payloadSha256, sha256(envelope.payload));
});

test("openDesired refuses another node's state, an expired one and one that the director did not sign", () => {
  assert.throws(() => openDesired(envelope, trusted, 'node-2', 2_000), {
    code: 'PERMISSION_DENIED',
    message: 'cannot follow a desired state as node-2: it is for node-1',
  });
  assert.throws(() => openDesired(envelope, trusted, 'node-1', 9_001), { code: 'FAILED_PRECONDITION' });
  const build = publicKeySet([generateKeyPair().publicKey]);
  assert.throws(() => openDesired(envelope, build, 'node-1', 2_000), { code: 'PERMISSION_DENIED' });
});

test('readDesired reads the state of any node, expired or not', () => {
  assert.equal(readDesired(envelope, trusted).desired.nodeId, 'node-1');
});

test('openDesired takes a state from before attempts, waves and a beginning were known', () => {
  // What such a director wrote: fields without a value are not on the wire.
  const { desired } = openDesired(envelope, trusted, 'node-1', 2_000);
  assert.deepEqual([desired.attempt, desired.wave, desired.notBeforeUnixMs, desired.rootVersion], [0, 0, 0n, 0n]);
  const later = sampleDesired({ attempt: 3, wave: 2, notBeforeUnixMs: 5n, rootVersion: 7n });
  const opened = openDesired(sealDesired(later, director.privateKey), trusted, 'node-1', 2_000).desired;
  assert.deepEqual({ ...opened, soak: undefined }, { ...later, soak: undefined });
});

const soak = sampleDesired().soak;
assert.ok(soak);
const refused: readonly (readonly [fault: RegExp, change: Partial<DesiredState>])[] = [
  [/node id/, { nodeId: 'node.1' }],
  [/generations begin at 1/, { generation: 0n }],
  [/rollout ""/, { rollout: '' }],
  [/model "B"/, { model: 'B' }],
  [/versions begin at 1/, { version: 0n }],
  [/no digest/, { manifestSha256: '' }],
  [/times are not in order/, { expiresUnixMs: 1_000n }],
  [/not to begin before it expires/, { notBeforeUnixMs: 9_001n }],
  [/attempt 1000001/, { attempt: 1_000_001 }],
  [/wave 1000001/, { wave: 1_000_001 }],
  [/no soak policy/, { soak: undefined }],
  [/error rate of 2/, { soak: { ...soak, maxErrorRate: 2 } }],
  [/latency ratio of NaN/, { soak: { ...soak, maxLatencyRatio: Number.NaN } }],
];
for (const [fault, change] of refused) {
  test(`sealDesired refuses ${Object.keys(change).join()}: ${fault.source}`, () => {
    assert.throws(() => sealDesired(sampleDesired(change), director.privateKey), {
      code: 'INVALID_ARGUMENT',
      message: fault,
    });
  });
}
