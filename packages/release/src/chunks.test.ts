import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { chunkDigests, chunkDigestsOf } from './chunks.js';

const bytes = Buffer.from('abcdefghij');

test('chunkDigests: one digest a chunk, the last one shorter, none for nothing', () => {
  const hex = (size: number): string[] => chunkDigests(bytes, size).map((digest) => digest.toString('hex'));
  assert.deepEqual(hex(4), [sha256('abcd'), sha256('efgh'), sha256('ij')]);
  assert.deepEqual(hex(5), [sha256('abcde'), sha256('fghij')]);
  assert.deepEqual(chunkDigests(new Uint8Array(0), 4), []);
  assert.throws(() => chunkDigests(bytes, 0), { code: 'INVALID_ARGUMENT' });
});

for (const pieceBytes of [1, 3, 4, 7, 10]) {
  test(`chunkDigestsOf pieces of ${pieceBytes} bytes is the same`, async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
    }
    assert.deepEqual(await chunkDigestsOf(pieces(), 4), {
      chunkSha256: chunkDigests(bytes, 4),
      sha256: sha256(bytes),
      sizeBytes: bytes.length,
    });
  });
}
