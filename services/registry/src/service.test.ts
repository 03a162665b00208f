import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { downloadBytes, type OutgoingBlob, uploadBlobs } from '@atoll/artifacts/remote';
import { sha256 } from '@atoll/base/digest';
import { silentLogger } from '@atoll/base/log';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { ReleaseManifest } from '@atoll/proto/atoll/v1/release';
import { generateKeyPair, writePublicKeys } from '@atoll/release/keys';
import { openRelease, sealRelease } from '@atoll/release/manifest';
import { publicKeySet } from '@atoll/release/keys';
import { sampleManifest, sampleModelBytes } from '@atoll/release/samples-for-tests';
import { openChannel } from '@atoll/rpc/channel';
import { startRegistry } from './service.js';

const signal = new AbortController().signal;
const build = generateKeyPair();
const goldenInput = Buffer.alloc(12, 1);
const goldenOutput = Buffer.alloc(2, 7);
const golden = {
  input: { sha256: sha256(goldenInput), sizeBytes: 12n },
  output: { sha256: sha256(goldenOutput), sizeBytes: 2n },
  tolerance: 1,
};

function outgoing(bytes: Uint8Array): OutgoingBlob {
  return { sha256: sha256(bytes), sizeBytes: bytes.length, source: { bytes } };
}

async function newFleet(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-registry-'));
  const buildKeysPath = join(folder, 'build-keys.pem');
  await writePublicKeys(buildKeysPath, [build.publicKey]);
  t.after(() => rm(folder, { recursive: true }));
  const start = async () => {
    const clock = { nowMs: () => 2_000, monotonicMs: () => 2_000 };
    const config = { listen: '127.0.0.1:0', dataDir: join(folder, 'data'), buildKeysPath, logLevel: 'error' } as const;
    const running = await startRegistry(config, { log: silentLogger, clock });
    const channel = openChannel(running.address);
    t.after(async () => {
      channel.close();
      await running.stop();
    });
    return { running, channel, registry: channel.client(RegistryServiceService) };
  };
  return { start };
}

const sealed = (change: Partial<ReleaseManifest> = {}, key = build.privateKey) =>
  sealRelease(sampleManifest({ golden: [golden], ...change }), key);
const allBlobs = [sampleModelBytes, goldenInput, goldenOutput].map(outgoing);

test('PublishRelease stores once all blobs are there; GetRelease gives the bytes that were signed', async (t) => {
  const { registry, channel } = await (await newFleet(t)).start();
  const envelope = sealed();
  await assert.rejects(registry.publishRelease({ envelope, alias: '' }), {
    code: 'FAILED_PRECONDITION',
    message: /cannot publish birds v1: its blob .* was not uploaded/,
  });
  await uploadBlobs(channel, allBlobs, signal);
  const { release } = await registry.publishRelease({ envelope, alias: 'stable' });
  assert.deepEqual(release?.aliases, ['stable']);
  assert.equal(release.createdUnixMs, 2_000n);
  for (const request of [
    { version: 1n, alias: '' },
    { version: 0n, alias: 'stable' },
    { version: 0n, alias: '' },
  ]) {
    const got = (await registry.getRelease({ model: 'birds', ...request })).release;
    assert.ok(got?.envelope);
    assert.deepEqual(got.envelope.payload, envelope.payload);
    assert.equal(openRelease(got.envelope, publicKeySet([build.publicKey]), 2_000).manifestSha256, got.manifestSha256);
  }
  assert.deepEqual(await downloadBytes(channel, sha256(sampleModelBytes), 20_000, signal), sampleModelBytes);
});

test('PublishRelease: the same bytes again are no error, other contents of a version are, also after a restart', async (t) => {
  const fleet = await newFleet(t);
  const first = await fleet.start();
  await uploadBlobs(first.channel, allBlobs, signal);
  await first.registry.publishRelease({ envelope: sealed(), alias: '' });
  await first.running.stop();
  const { registry } = await fleet.start();
  await registry.publishRelease({ envelope: sealed(), alias: '' });
  const changed = registry.publishRelease({ envelope: sealed({ labels: ['wren', 'robin'] }), alias: '' });
  await assert.rejects(changed, { code: 'ALREADY_EXISTS' });
});

test('PublishRelease refuses what is not signed by a build key, malformed, expired, or lies about its chunks', async (t) => {
  const { registry, channel } = await (await newFleet(t)).start();
  await uploadBlobs(channel, allBlobs, signal);
  const publish = (envelope = sealed(), alias = '') => registry.publishRelease({ envelope, alias });
  await assert.rejects(publish(sealed({}, generateKeyPair().privateKey)), { code: 'PERMISSION_DENIED' });
  await assert.rejects(registry.publishRelease({ envelope: undefined, alias: '' }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(publish(sealed({ expiresUnixMs: 1_999n })), { code: 'FAILED_PRECONDITION', message: /expired/ });
  await assert.rejects(publish(sealed(), 'Stable'), { code: 'INVALID_ARGUMENT', message: /alias "Stable"/ });
  const [file] = sampleManifest().artifacts;
  assert.ok(file);
  const lying = { ...file, chunkSha256: file.chunkSha256.toReversed() };
  await assert.rejects(publish(sealed({ artifacts: [lying] })), {
    code: 'INVALID_ARGUMENT',
    message: /chunk 0 of blob/,
  });
  const longer = { ...file, sizeBytes: 10_001n };
  await assert.rejects(publish(sealed({ artifacts: [longer] })), { code: 'INVALID_ARGUMENT', message: /10000 bytes/ });
  assert.deepEqual((await registry.listReleases({ model: '', pageSize: 0, pageToken: '' })).releases, []);
});

test('ListReleases pages through models by name and versions newest first', async (t) => {
  const { registry, channel } = await (await newFleet(t)).start();
  await uploadBlobs(channel, allBlobs, signal);
  for (const model of ['birds', 'ants']) {
    for (const version of [1n, 2n, 3n])
      await registry.publishRelease({ envelope: sealed({ model, version }), alias: '' });
  }
  const seen: string[] = [];
  for (let pageToken = ''; ;) {
    const page = await registry.listReleases({ model: '', pageSize: 4, pageToken });
    seen.push(...page.releases.map((release) => `${release.model} ${release.version}`), '|');
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  assert.deepEqual(seen, ['ants 3', 'ants 2', 'ants 1', 'birds 3', '|', 'birds 2', 'birds 1', '|']);
  const birds = await registry.listReleases({ model: 'birds', pageSize: 3, pageToken: '' });
  assert.equal(birds.nextPageToken, '');
  assert.deepEqual(
    birds.releases.map((release) => release.version),
    [3n, 2n, 1n],
  );
});

test('SetAlias moves an alias; a version or alias that is not there is NOT_FOUND', async (t) => {
  const { registry, channel } = await (await newFleet(t)).start();
  await uploadBlobs(channel, allBlobs, signal);
  for (const version of [1n, 2n]) await registry.publishRelease({ envelope: sealed({ version }), alias: 'stable' });
  const { release } = await registry.setAlias({ model: 'birds', alias: 'stable', version: 1n });
  assert.deepEqual(release?.aliases, ['stable']);
  assert.equal((await registry.getRelease({ model: 'birds', version: 0n, alias: 'stable' })).release?.version, 1n);
  assert.equal((await registry.getRelease({ model: 'birds', version: 0n, alias: '' })).release?.version, 2n);
  const notFound = { code: 'NOT_FOUND' };
  await assert.rejects(registry.setAlias({ model: 'birds', alias: 'stable', version: 3n }), notFound);
  await assert.rejects(registry.getRelease({ model: 'birds', version: 0n, alias: 'next' }), notFound);
  await assert.rejects(registry.getRelease({ model: 'fish', version: 0n, alias: '' }), notFound);
  await assert.rejects(registry.getRelease({ model: 'birds', version: (1n << 64n) - 1n, alias: '' }), notFound);
});
