import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFileStore } from '@atoll/artifacts/file-store';
import type { BlobStore } from '@atoll/artifacts/store';
import { sha256 } from '@atoll/base/digest';
import { ReleaseManifest } from '@atoll/proto/atoll/v1/release';
import { packageFromRelease } from './from-release.js';

const model = Buffer.from('a model');
const golden = Buffer.from('golden');
const ref = (bytes: Buffer) => ({ sha256: sha256(bytes), sizeBytes: BigInt(bytes.length) });
const digest = sha256('manifest');

const manifest = (): ReleaseManifest =>
  ReleaseManifest.fromPartial({
    model: 'm',
    version: 7n,
    artifacts: [{ target: 'cpu', ...ref(model) }],
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [1n, 2n, 2n, 3n], scale: 0.5, zeroPoint: 3 }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1n, 2n] }],
    preprocessing: { width: 2, height: 2, mean: 0, std: 255 },
    labels: ['a', 'b'],
    golden: [{ input: ref(golden), output: ref(golden), tolerance: 2 }],
  });

describe('packageFromRelease()', () => {
  let folder = '';
  let blobs: BlobStore;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-release-'));
    blobs = await openFileStore(folder);
    for (const bytes of [model, golden]) {
      await blobs.put(
        { sha256: sha256(bytes), sizeBytes: bytes.length },
        (async function* () {
          yield bytes;
        })(),
      );
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('gives files, tensors, preprocessing and golden cases in the terms of the node', async () => {
    const pkg = await packageFromRelease(manifest(), digest, blobs);
    assert.deepEqual([pkg.model, pkg.version, pkg.manifestSha256, pkg.labels], ['m', 7n, digest, ['a', 'b']]);
    assert.deepEqual(pkg.files, [
      {
        target: 'cpu',
        path: await blobs.path(sha256(model)),
        sha256: sha256(model),
        sizeBytes: 7,
        minRuntimeVersion: 0,
      },
    ]);
    assert.deepEqual(pkg.inputs, [{ name: 'x', dtype: 'uint8', shape: [1, 2, 2, 3], scale: 0.5, zeroPoint: 3 }]);
    assert.deepEqual(pkg.outputs, [{ name: 'y', dtype: 'float32', shape: [1, 2], scale: null, zeroPoint: null }]);
    assert.deepEqual([pkg.preprocessing?.mean, pkg.preprocessing?.std], [[0], [255]]);
    assert.deepEqual(pkg.golden[0]?.input, { path: await blobs.path(sha256(golden)), ...ref(golden), sizeBytes: 6 });
  });

  test('the parts of a cut model keep their place', async () => {
    const from = manifest();
    const artifacts = from.artifacts.flatMap((one) => [
      one,
      ...[0, 1].map((index) => ({ ...one, target: `edgetpu-segment-${index}-of-2`, minRuntimeVersion: 13 })),
    ]);
    const { files } = await packageFromRelease({ ...from, artifacts }, digest, blobs);
    assert.deepEqual(
      files.map(({ target, segment }) => [target, segment]),
      [
        ['cpu', undefined],
        ['edgetpu', { index: 0, count: 2 }],
        ['edgetpu', { index: 1, count: 2 }],
      ],
    );
  });

  const faults: readonly (readonly [string, (from: ReleaseManifest) => ReleaseManifest, string, RegExp])[] = [
    [
      'no file for a CPU',
      (m) => ({ ...m, artifacts: m.artifacts.map((a) => ({ ...a, target: 'edgetpu' })) }),
      'INVALID_ARGUMENT',
      /target cpu/,
    ],
    [
      'an unknown target',
      (m) => ({ ...m, artifacts: m.artifacts.map((a) => ({ ...a, target: 'gpu' })) }),
      'INVALID_ARGUMENT',
      /"gpu"/,
    ],
    [
      'a blob that is not there',
      (m) => ({ ...m, artifacts: m.artifacts.map((a) => ({ ...a, sha256: digest })) }),
      'NOT_FOUND',
      /./,
    ],
    [
      'an unknown type',
      (m) => ({ ...m, inputs: m.inputs.map((t) => ({ ...t, datatype: 'FP8' })) }),
      'INVALID_ARGUMENT',
      /"FP8"/,
    ],
    [
      'half a golden case',
      (m) => ({ ...m, golden: m.golden.map((g) => ({ ...g, output: undefined })) }),
      'INVALID_ARGUMENT',
      /golden/,
    ],
    [
      'division by zero',
      (m) => ({ ...m, preprocessing: { width: 2, height: 2, mean: 0, std: 0 } }),
      'INVALID_ARGUMENT',
      /divides by 0/,
    ],
  ];
  for (const [name, change, code, message] of faults) {
    test(`refuses ${name}`, async () => {
      await assert.rejects(packageFromRelease(change(manifest()), digest, blobs), { code, message });
    });
  }
});
