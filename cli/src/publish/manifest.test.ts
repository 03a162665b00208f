import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { isAtollError } from '@atoll/base/error';
import { defaultPreprocessing } from '@atoll/image/preprocessing';
import { generateKeyPair, publicKeySet } from '@atoll/release/keys';
import { blobsOf, openRelease, sealRelease } from '@atoll/release/manifest';
import type { TensorSpec } from '@atoll/runtime/model';
import { describeRelease, type ReleaseParts } from './manifest.js';

const input: TensorSpec = { name: 'input', dtype: 'uint8', shape: [1, 2, 2, 3], scale: 1 / 255, zeroPoint: 0 };
const output: TensorSpec = { name: 'scores', dtype: 'uint8', shape: [1, 2], scale: 1 / 256, zeroPoint: 0 };
const parts: ReleaseParts = {
  model: 'photos',
  version: 3n,
  cpu: Buffer.alloc(600_000, 'a'),
  input,
  output,
  preprocessing: defaultPreprocessing(input),
  labels: ['deer', 'frog'],
  golden: [{ input: new Uint8Array(12), output: Uint8Array.of(1, 2) }],
  lineage: { file: 'model.tflite' },
  nowMs: 1_000,
};

test('describeRelease makes a manifest that signs and opens, and sends every blob that it names', () => {
  const { manifest, blobs } = describeRelease({
    ...parts,
    edgeTpu: { bytes: Buffer.from('x'), minRuntimeVersion: 14 },
    segments: ['y', 'z'].map((text) => ({ bytes: Buffer.from(text), minRuntimeVersion: 13 })),
  });
  const { privateKey, publicKey } = generateKeyPair();
  const opened = openRelease(sealRelease(manifest, privateKey), publicKeySet([publicKey]), 2_000);
  assert.deepEqual(
    opened.manifest.artifacts.map(({ target, chunkSha256 }) => [target, chunkSha256.length]),
    [
      ['cpu', 3],
      ['edgetpu', 1],
      ['edgetpu-segment-0-of-2', 1],
      ['edgetpu-segment-1-of-2', 1],
    ],
  );
  const sent = new Map(blobs.map((blob) => [blob.sha256, blob.sizeBytes]));
  assert.deepEqual(new Map(blobsOf(manifest).map((blob) => [blob.sha256, blob.sizeBytes])), sent);
  for (const { sha256: digest, source } of blobs) assert.ok('bytes' in source && sha256(source.bytes) === digest);
});

test('describeRelease refuses tensors and preprocessing that a release cannot say, and labels that do not fit', () => {
  const refused = (change: Partial<ReleaseParts>, code: 'INVALID_ARGUMENT' | 'UNIMPLEMENTED'): void =>
    assert.throws(
      () => describeRelease({ ...parts, ...change }),
      (error) => isAtollError(error, code),
    );
  refused({ output: { ...output, dtype: 'int16' } }, 'INVALID_ARGUMENT');
  refused({ labels: ['deer'] }, 'INVALID_ARGUMENT');
  refused({ preprocessing: { ...parts.preprocessing, mean: [1, 2, 3] } }, 'UNIMPLEMENTED');
});
