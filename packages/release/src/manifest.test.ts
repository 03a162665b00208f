import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { ReleaseManifest } from '@atoll/proto/atoll/v1/release';
import { payloadTypes, sealEnvelope } from './envelope.js';
import { generateKeyPair, publicKeySet } from './keys.js';
import { blobsOf, openRelease, sealRelease } from './manifest.js';
import { sampleManifest } from './samples-for-tests.js';

const build = generateKeyPair();
const trusted = publicKeySet([build.publicKey]);
const digest = sha256('golden');
const golden = { input: { sha256: digest, sizeBytes: 12n }, output: { sha256: digest, sizeBytes: 2n }, tolerance: 1 };
const [file] = sampleManifest().artifacts;
const [input] = sampleManifest().inputs;
assert.ok(file !== undefined && input !== undefined);

test('openRelease gives the sealed manifest and the digest of its payload', () => {
  const manifest = sampleManifest({ golden: [golden], lineage: { data: 'v1' } });
  const envelope = sealRelease(manifest, build.privateKey);
  const opened = openRelease(envelope, trusted, 9_000);
  assert.deepEqual(opened.manifest, manifest);
  assert.equal(opened.manifestSha256, sha256(envelope.payload));
});

test('openRelease takes a model cut for two Edge TPUs beside the whole one', () => {
  const part = (index: number) => ({ ...file, target: `edgetpu-segment-${index}-of-2`, minRuntimeVersion: 14 });
  const manifest = sampleManifest({ artifacts: [file, part(0), part(1)] });
  assert.deepEqual(openRelease(sealRelease(manifest, build.privateKey), trusted, 9_000).manifest, manifest);
});

test('openRelease refuses an expired release, a foreign key, and bytes that are no manifest', () => {
  const envelope = sealRelease(sampleManifest(), build.privateKey);
  assert.throws(() => openRelease(envelope, trusted, 9_001), {
    code: 'FAILED_PRECONDITION',
    message: 'cannot use release birds v1: it expired at 1970-01-01T00:00:09.000Z',
  });
  assert.throws(() => openRelease(envelope, publicKeySet([generateKeyPair().publicKey]), 1), {
    code: 'PERMISSION_DENIED',
  });
  const noise = sealEnvelope(payloadTypes.release, Buffer.from([0x0a, 0x7f]), build.privateKey);
  assert.throws(() => openRelease(noise, trusted, 1), { code: 'INVALID_ARGUMENT' });
});

test('blobsOf names each blob once', () => {
  const manifest = sampleManifest({ golden: [golden, golden] });
  assert.deepEqual(
    blobsOf(manifest).map((blob) => blob.sha256),
    [file.sha256, digest],
  );
});

const refused: readonly (readonly [fault: RegExp, change: Partial<ReleaseManifest>])[] = [
  [/model name/, { model: 'Birds' }],
  [/model name/, { model: '../birds' }],
  [/versions begin at 1/, { version: 0n }],
  [/floor is above/, { minVersionFloor: 2n }],
  [/when it was made/, { createdUnixMs: 0n }],
  [/expires before/, { expiresUnixMs: 1_000n }],
  [/no file for target cpu/, { artifacts: [] }],
  [/no file for target cpu/, { artifacts: [{ ...file, target: 'edgetpu', minRuntimeVersion: 13 }] }],
  [/two files for one target/, { artifacts: [file, file] }],
  [/unknown target/, { artifacts: [{ ...file, target: 'gpu' }] }],
  [/unknown target/, { artifacts: [file, { ...file, target: 'edgetpu-segment-2-of-2', minRuntimeVersion: 13 }] }],
  [/lacks segment 1 of 2/, { artifacts: [file, { ...file, target: 'edgetpu-segment-0-of-2', minRuntimeVersion: 13 }] }],
  [/no SHA-256/, { artifacts: [{ ...file, sha256: 'abc' }] }],
  [/has 0 bytes/, { artifacts: [{ ...file, sizeBytes: 0n }] }],
  [/has 1073741825 bytes/, { artifacts: [{ ...file, sizeBytes: (1n << 30n) + 1n }] }],
  [/3 chunk digests, not 1/, { artifacts: [{ ...file, sizeBytes: 4096n }] }],
  [/chunks of 0 bytes/, { artifacts: [{ ...file, chunkSizeBytes: 0 }] }],
  [/not 32 bytes/, { artifacts: [{ ...file, chunkSha256: file.chunkSha256.map(() => Buffer.alloc(31)) }] }],
  [/needs runtime 13: cpu needs 0/, { artifacts: [{ ...file, minRuntimeVersion: 13 }] }],
  [/has 0 inputs/, { inputs: [] }],
  [/has type "UINT16"/, { inputs: [{ ...input, datatype: 'UINT16' }] }],
  [/no usable shape/, { inputs: [{ ...input, shape: [1n, 0n] }] }],
  [/over 67108864 bytes/, { inputs: [{ ...input, shape: [1n << 40n] }] }],
  [/has scale 0/, { inputs: [{ ...input, scale: 0 }] }],
  [/has scale 0\.5/, { inputs: [{ ...input, datatype: 'FP32', zeroPoint: 0 }] }],
  [/zero point -1/, { inputs: [{ ...input, zeroPoint: -1 }] }],
  [/no preprocessing/, { preprocessing: undefined }],
  [/photo size/, { preprocessing: { width: 0, height: 2, mean: 0, std: 255 } }],
  [/mean or std/, { preprocessing: { width: 2, height: 2, mean: 0, std: 0 } }],
  [/mean or std/, { preprocessing: { width: 2, height: 2, mean: Number.NaN, std: 1 } }],
  [/has 10001 labels/, { labels: Array.from({ length: 10_001 }, () => 'a') }],
  [/label "" is empty/, { labels: [''] }],
  [/has 65 golden cases/, { golden: Array.from({ length: 65 }, () => golden) }],
  [/golden case has no output/, { golden: [{ ...golden, output: undefined }] }],
  [/golden input has 11 bytes, the tensor 12/, { golden: [{ ...golden, input: { sha256: digest, sizeBytes: 11n } }] }],
  [/tolerance -1/, { golden: [{ ...golden, tolerance: -1 }] }],
  [/lineage "" is empty/, { lineage: { '': 'x' } }],
];
for (const [fault, change] of refused) {
  test(`openRelease and sealRelease refuse ${Object.keys(change).join()}: ${fault.source}`, () => {
    const expected = { code: 'INVALID_ARGUMENT', message: fault };
    const manifest = sampleManifest(change);
    assert.throws(() => sealRelease(manifest, build.privateKey), expected);
    const payload = ReleaseManifest.encode(manifest).finish();
    const envelope = sealEnvelope(payloadTypes.release, payload, build.privateKey);
    assert.throws(() => openRelease(envelope, trusted, 2_000), expected);
  });
}
