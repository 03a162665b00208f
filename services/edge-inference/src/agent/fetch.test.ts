import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { generateKeyPair, publicKeySet } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import { createBlobSources } from './blob-sources.js';
import { fetchReason, fetchRelease } from './fetch.js';
import { openReleaseStore, type ReleaseStore } from './release-store.js';
import { startTestRegistry, type TestRegistry } from './registry-for-tests.js';

describe('fetchRelease() over real gRPC', { timeout: 60_000 }, () => {
  let folder: string;
  let registry: TestRegistry;
  let root: string;
  let store: ReleaseStore;
  let stores = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-fetch-'));
    registry = await startTestRegistry(folder);
  });
  after(async () => {
    await registry.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    registry.spoil(undefined);
    registry.reads.length = 0;
    root = join(folder, `node-${++stores}`);
    store = await openReleaseStore(root, 1 << 20);
  });

  const fetch = async (
    ref: Parameters<typeof fetchRelease>[1],
    change: object = {},
    signal = AbortSignal.timeout(20_000),
  ) => {
    const channel = openChannel(registry.address);
    try {
      const buildKeys = publicKeySet([registry.build.publicKey]);
      const sources = createBlobSources([{ name: 'registry', channel }], () => 0);
      return await fetchRelease({ channel, sources, store, buildKeys, nowMs: Date.now(), ...change }, ref, signal);
    } finally {
      channel.close();
    }
  };
  const codeOf = async (task: Promise<unknown>): Promise<string> => {
    try {
      await task;
      return 'done';
    } catch (error) {
      return fetchReason(error).code;
    }
  };
  const chunkReads = (digest: string): number[] =>
    registry.reads.filter((read) => read.sha256 === digest).map((read) => read.offset);

  test('a release: every file whole on the disk, the envelope kept, nothing under way left; again without the network', async () => {
    const ref = await registry.publish('m', 1n);
    const manifest = await fetch(ref);
    const digest = manifest.artifacts[0]?.sha256 ?? '';
    assert.ok((await readFile(await store.blobs.path(digest))).equals(ref.file));
    assert.deepEqual(await readdir(join(root, 'partial')), []);
    assert.deepEqual(chunkReads(digest), [0, 4_096, 8_192, 12_288]);
    const away = openChannel('127.0.0.1:1');
    assert.equal((await fetch(ref, { channel: away })).version, 1n);
    away.close();
  });

  const spoilt: [string, (bytes: Uint8Array) => AsyncIterable<Uint8Array>][] = [
    [
      'one flipped bit',
      async function* (bytes) {
        const copy = Uint8Array.from(bytes);
        copy[17] = (copy[17] ?? 0) ^ 1;
        yield copy;
      },
    ],
    [
      'a chunk cut short',
      async function* (bytes) {
        yield bytes.subarray(0, -1);
      },
    ],
    [
      'one byte too many',
      async function* (bytes) {
        yield bytes;
        yield new Uint8Array(1);
      },
    ],
    [
      'bytes without end',
      async function* () {
        for (;;) yield new Uint8Array(1_024);
      },
    ],
    ['nothing', async function* () {}],
  ];
  for (const [what, how] of spoilt) {
    test(`${what} in the second chunk: refused there, no blob, no further chunk asked for`, async () => {
      const ref = await registry.publish('m', 2n);
      let digest = '';
      registry.spoil((sha, offset, bytes) => {
        if (offset !== 4_096) return undefined;
        digest = sha;
        return how(bytes);
      });
      assert.equal(await codeOf(fetch(ref)), 'CORRUPT_BLOB');
      assert.equal(await store.blobs.size(digest), undefined);
      assert.deepEqual(chunkReads(digest), [0, 4_096, 4_096, 4_096]);
    });
  }

  test('a chunk that is right at the second try is taken', async () => {
    const ref = await registry.publish('m', 3n);
    let spoils = 0;
    registry.spoil((_sha, offset) => (offset === 8_192 && spoils++ === 0 ? (async function* () {})() : undefined));
    assert.equal(await codeOf(fetch(ref)), 'done');
    assert.equal(spoils, 2);
  });

  test('what was fetched and is right is kept across a restart; what rotted meanwhile is fetched again', async () => {
    const ref = await registry.publish('m', 4n);
    let digest = '';
    registry.spoil((sha, offset) => {
      if (offset !== 12_288) return undefined;
      digest = sha;
      return (async function* () {})();
    });
    assert.equal(await codeOf(fetch(ref)), 'CORRUPT_BLOB');
    registry.spoil(undefined);
    registry.reads.length = 0;
    store = await openReleaseStore(root, 1 << 20);
    const partial = store.partialPath(digest);
    const bytes = await readFile(partial);
    bytes.writeUInt8(bytes.readUInt8(9_000) ^ 1, 9_000);
    await writeFile(partial, bytes);
    assert.equal(await codeOf(fetch(ref)), 'done');
    assert.deepEqual(chunkReads(digest), [8_192, 12_288]);
  });

  test('a file that was whole when the node ended becomes a blob without a byte more, its last chunk short', async () => {
    const ref = await registry.publish('m', 6n);
    assert.notEqual(ref.file.length % 4_096, 0);
    const digest = sha256(ref.file);
    await writeFile(store.partialPath(digest), ref.file);
    assert.equal(await codeOf(fetch(ref)), 'done');
    assert.deepEqual(chunkReads(digest), []);
    assert.ok((await readFile(await store.blobs.path(digest))).equals(ref.file));
  });

  test('a registry that is away is waited for until the signal', async () => {
    const ref = await registry.publish('m', 5n);
    const away = openChannel('127.0.0.1:1');
    const ended = new AbortController();
    const fetching = codeOf(fetch(ref, { channel: away, sources: createBlobSources([], () => 0) }, ended.signal));
    assert.equal(await Promise.race([fetching, eventually(() => 'waiting')]), 'waiting');
    ended.abort();
    assert.notEqual(await fetching, 'done');
    away.close();
  });

  test('several sources: one that is away and one that gives wrong bytes are passed over chunk by chunk, and not asked again', async () => {
    const near = await startTestRegistry(folder);
    const ref = await near.publish('m', 20n, { key: registry.build });
    const other = await registry.publish('m', 20n);
    assert.notEqual(other.manifestSha256, ref.manifestSha256);
    const channels = [openChannel('127.0.0.1:1'), openChannel(near.address), openChannel(registry.address)];
    const [away, wrong, right] = channels.map((channel, index) => ({ name: `source-${index}`, channel }));
    assert.ok(away !== undefined && wrong !== undefined && right !== undefined);
    try {
      // Both have the files: they share a folder.
      near.spoil(() => (async function* () {})());
      const sources = createBlobSources([away, wrong, right], () => 0);
      assert.equal(await codeOf(fetch(ref, { channel: wrong.channel, sources })), 'done');
      const digest = sha256(ref.file);
      assert.ok((await readFile(await store.blobs.path(digest))).equals(ref.file));
      const first = near.reads.length;
      assert.equal(first, 1, 'a source that gave wrong bytes is asked once');
      assert.deepEqual(chunkReads(digest), [0, 4_096, 8_192, 12_288]);
      assert.equal(sources.inOrder()[0], right);
    } finally {
      for (const channel of channels) channel.close();
      await near.stop();
    }
  });

  test('a line that is cut at nine tenths: the rest comes from the next source, no chunk twice', async () => {
    const ref = await registry.publish('m', 21n, { sizeBytes: 10 * 4_096 });
    const digest = sha256(ref.file);
    const channel = openChannel(registry.address);
    const second = openChannel(registry.address);
    try {
      let cut = 0;
      registry.spoil((sha, offset) => {
        if (sha !== digest || offset !== 9 * 4_096 || cut++ > 0) return undefined;
        // oxlint-disable-next-line require-yield
        return (async function* (): AsyncGenerator<Uint8Array> {
          throw new AtollError('UNAVAILABLE', 'cannot go on: the line is cut');
        })();
      });
      const sources = createBlobSources(
        [
          { name: 'first', channel },
          { name: 'second', channel: second },
        ],
        () => 0,
      );
      assert.equal(await codeOf(fetch(ref, { sources })), 'done');
      assert.equal(chunkReads(digest).length, 11);
      assert.equal(new Set(chunkReads(digest)).size, 10);
      assert.equal(sources.inOrder()[0]?.name, 'second');
    } finally {
      channel.close();
      second.close();
    }
  });

  test('what the director did not name, or a build key did not sign, or is over, is refused before its files', async () => {
    const ref = await registry.publish('m', 6n);
    const expired = await registry.publish('m', 7n, { manifest: { createdUnixMs: 1n, expiresUnixMs: 2n } });
    const forged = await registry.publish('m', 8n, { key: generateKeyPair() });
    assert.equal(await codeOf(fetch({ ...ref, manifestSha256: expired.manifestSha256 })), 'MANIFEST_MISMATCH');
    assert.equal(await codeOf(fetch(forged)), 'BAD_SIGNATURE');
    assert.equal(await codeOf(fetch(expired)), 'EXPIRED');
    assert.equal(await codeOf(fetch({ ...ref, version: 99n })), 'NOT_FOUND');
    assert.deepEqual(registry.reads, []);
  });

  test('a release that does not fit the quota: NO_SPACE before a byte comes; an old one makes room', async () => {
    const keys = publicKeySet([registry.build.publicKey]);
    const first = await registry.publish('m', 9n, { sizeBytes: 400_000 });
    const second = await registry.publish('m', 10n, { sizeBytes: 400_000 });
    await fetch(first);
    registry.reads.length = 0;
    assert.equal(await codeOf(fetch(second)), 'NO_SPACE');
    assert.deepEqual(registry.reads, []);
    await store.collect([second.manifestSha256], keys);
    assert.equal(await codeOf(fetch(second)), 'done');
  });

  test('collect() keeps what the named releases need and removes the rest', async () => {
    const keys = publicKeySet([registry.build.publicKey]);
    const kept = await registry.publish('m', 11n);
    const gone = await registry.publish('m', 12n);
    const [keptManifest, goneManifest] = [await fetch(kept), await fetch(gone)];
    await writeFile(store.partialPath('0'.repeat(64)), 'stray');
    await store.collect([kept.manifestSha256], keys);
    assert.ok(await store.blobs.size(keptManifest.artifacts[0]?.sha256 ?? ''));
    assert.ok(await store.blobs.size(keptManifest.golden[0]?.input?.sha256 ?? ''));
    assert.equal(await store.blobs.size(goneManifest.artifacts[0]?.sha256 ?? ''), undefined);
    assert.equal(await store.open(gone.manifestSha256, keys), undefined);
    assert.deepEqual(await readdir(join(root, 'partial')), []);
    assert.equal((await store.open(kept.manifestSha256, keys))?.manifest.version, 11n);
  });

  test('an envelope that changed on the disk is no longer trusted', async () => {
    const ref = await registry.publish('m', 13n);
    await fetch(ref);
    const path = join(root, 'releases', `${ref.manifestSha256}.pb`);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    await writeFile(path, bytes);
    assert.equal(await store.open(ref.manifestSha256, publicKeySet([registry.build.publicKey])), undefined);
  });

  test('fetchReason() gives words for what is no AtollError too', () => {
    assert.deepEqual(fetchReason(new Error('x')), { code: 'INTERNAL', message: 'cannot fetch the release: x' });
    assert.equal(fetchReason(new AtollError('RESOURCE_EXHAUSTED', 'full')).code, 'NO_SPACE');
  });
});
