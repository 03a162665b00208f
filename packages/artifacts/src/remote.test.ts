import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { isAtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { openChannel } from '@atoll/rpc/channel';
import { startServer } from '@atoll/rpc/server';
import { openFileStore } from './file-store.js';
import { downloadBytes, uploadBlobs } from './remote.js';
import { blobService } from './serve.js';

const root = await mkdtemp(join(tmpdir(), 'atoll-artifacts-'));
const store = await openFileStore(root);
const server = await startServer({ listen: '127.0.0.1:0', services: [blobService(store)], log: silentLogger });
const channel = openChannel(server.address);
const { signal } = new AbortController();

after(async () => {
  channel.close();
  await server.stop();
  await rm(root, { recursive: true });
});

const outgoing = (bytes: Uint8Array) => ({ sha256: sha256(bytes), sizeBytes: bytes.length, source: { bytes } });

test('uploadBlobs and downloadBytes carry blobs of every size unchanged, and send nothing twice', async () => {
  const blobs = [0, 1, 262_144, 262_145, 3_000_000].map((size) => Buffer.alloc(size, size % 251));
  assert.equal(await uploadBlobs(channel, blobs.map(outgoing), signal), blobs.length);
  assert.equal(await uploadBlobs(channel, blobs.map(outgoing), signal), 0);
  for (const bytes of blobs) {
    assert.ok(bytes.equals(await downloadBytes(channel, sha256(bytes), 4_000_000, signal)));
  }
});

test('downloadBytes gives NOT_FOUND for a blob that is not held and RESOURCE_EXHAUSTED beyond its limit', async () => {
  const bytes = Buffer.alloc(2_000, 7);
  await uploadBlobs(channel, [outgoing(bytes)], signal);
  await assert.rejects(downloadBytes(channel, 'f'.repeat(64), 10, signal), (error) => isAtollError(error, 'NOT_FOUND'));
  await assert.rejects(downloadBytes(channel, sha256(bytes), 1_999, signal), (error) =>
    isAtollError(error, 'RESOURCE_EXHAUSTED'),
  );
});

test('Put refuses bytes that do not match their digest and keeps nothing of them', async () => {
  const wrong = sha256('something else');
  await assert.rejects(
    uploadBlobs(channel, [{ sha256: wrong, sizeBytes: 3, source: { bytes: Buffer.from('abc') } }], signal),
    (error) => isAtollError(error, 'DATA_LOSS') && error.message.includes(wrong),
  );
  assert.equal(await store.size(wrong), undefined);
  assert.deepEqual(await readdir(join(root, wrong.slice(0, 2))), []);
});

test('Get resumes from an offset', async () => {
  const bytes = Buffer.from('0123456789');
  await uploadBlobs(channel, [outgoing(bytes)], signal);
  const client = channel.client(BlobServiceService);
  const got: string[] = [];
  for await (const { chunk } of client.get({ sha256: sha256(bytes), offset: 4n, limitBytes: 3n }))
    got.push(chunk.toString());
  assert.equal(got.join(''), '456');
});
