import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { unfold } from './unfold.js';

const plain = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i) % 251));

for (const [format, folded] of [
  ['gzip', gzipSync(plain)],
  ['zlib', deflateSync(plain)],
  ['deflate', deflateRawSync(plain)],
] as const) {
  test(`unfold() gives back what ${format} folded, and tells of every byte`, async () => {
    let toldBytes = 0;
    assert.deepEqual(await unfold(folded, format, (sizeBytes) => (toldBytes += sizeBytes)), plain);
    assert.equal(toldBytes, plain.length);
    assert.equal((await unfold(gzipSync(''), 'gzip', () => assert.fail('nothing comes out'))).length, 0);
  });

  test(`unfold() refuses what is cut off or no ${format}`, async () => {
    await assert.rejects(unfold(folded.subarray(0, 1_000), format, () => undefined));
    await assert.rejects(unfold(Buffer.alloc(100, 0xff), format, () => undefined));
  });
}

test('unfold() stops where it is told to, before the rest is made', async () => {
  let toldBytes = 0;
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const work = unfold(bomb, 'gzip', (sizeBytes) => {
    toldBytes += sizeBytes;
    if (toldBytes > 1_000_000) throw new RangeError('enough');
  });
  await assert.rejects(work, /enough/);
  assert.ok(toldBytes < 1_100_000);
});
