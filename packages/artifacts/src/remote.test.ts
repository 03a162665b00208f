import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { AtollError, isAtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { openChannel } from '@atoll/rpc/channel';
import { bindService } from '@atoll/rpc/handlers';
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

const refuse = async (): Promise<never> => {
  throw new AtollError('UNIMPLEMENTED', 'not in this test');
};

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

for (const [limitBytes, wanted] of [
  [0n, '456789'],
  [(1n << 64n) - 1n, '456789'],
] as const) {
  test(`Get with a limit of ${limitBytes} bytes goes on to the end`, async () => {
    const bytes = Buffer.from('0123456789');
    await uploadBlobs(channel, [outgoing(bytes)], signal);
    const got: string[] = [];
    for await (const { chunk } of channel
      .client(BlobServiceService)
      .get({ sha256: sha256(bytes), offset: 4n, limitBytes }))
      got.push(chunk.toString());
    assert.equal(got.join(''), wanted);
  });
}

const liars: readonly (readonly [what: string, chunks: readonly string[], fault: RegExp])[] = [
  ['ends early', ['abc'], /3 of 10 bytes came/],
  ['gives nothing', [''], /0 of 10 bytes came/],
  ['never says a word', [], /0 of unknown bytes came/],
  ['goes on beyond its end', ['abcde', 'fghij', 'k'], /more than the 10 bytes announced/],
];
for (const [what, chunks, fault] of liars) {
  test(`downloadBytes from a service that ${what} is DATA_LOSS, and asks no further`, async (t) => {
    let asked = 0;
    const get = async function* () {
      asked++;
      for (const [index, chunk] of chunks.entries())
        yield { chunk: Buffer.from(chunk), totalBytes: index === 0 ? 10n : 0n };
    };
    const service = bindService(BlobServiceService, { findMissing: refuse, put: refuse, get });
    const liar = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger });
    const toLiar = openChannel(liar.address);
    t.after(async () => {
      toLiar.close();
      await liar.stop();
    });
    await assert.rejects(downloadBytes(toLiar, 'a'.repeat(64), 100, signal), { code: 'DATA_LOSS', message: fault });
    assert.equal(asked, 1);
  });
}

test('openFileStore removes what an ended process left half-written', async () => {
  const bytes = Buffer.from('whole');
  await uploadBlobs(channel, [outgoing(bytes)], signal);
  const folder = join(root, sha256(bytes).slice(0, 2));
  await writeFile(join(folder, `.${sha256(bytes)}.4194304.0123abcd.tmp`), 'wh');
  const reopened = await openFileStore(root);
  assert.equal(await reopened.size(sha256(bytes)), bytes.length);
  assert.deepEqual(await readdir(folder), [sha256(bytes)]);
});
