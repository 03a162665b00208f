import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MessageReader, unpackerOf } from './message-reader.js';

function framed(bytes: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

describe('MessageReader', () => {
  const bodies = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 7), Buffer.from('last')];
  const stream = Buffer.concat(bodies.map((body) => framed(body)));
  for (const step of [1, 4, 5, 6, 1_000, stream.length]) {
    test(`gives the same messages from chunks of ${step} bytes`, () => {
      const reader = new MessageReader(100_000);
      const messages = [];
      for (let at = 0; at < stream.length; at += step) messages.push(...reader.push(stream.subarray(at, at + step)));
      assert.deepEqual(
        messages.map(({ bytes }) => bytes),
        bodies,
      );
      assert.ok(reader.atEnd);
    });
  }

  test('refuses a message that is too long at its prefix', () => {
    assert.throws(() => new MessageReader(9).push(framed(Buffer.alloc(10)).subarray(0, 5)), {
      code: 'RESOURCE_EXHAUSTED',
      message: 'Received message larger than max (10 vs 9)',
    });
  });
});

test('unpackerOf() unpacks up to the limit, and knows no other encoding', async () => {
  const packed = { compressed: true, bytes: gzipSync(Buffer.alloc(1_000)) };
  const told: number[] = [];
  const tell = (sizeBytes: number): void => void told.push(sizeBytes);
  assert.deepEqual(await unpackerOf('gzip', 1_000)?.(packed, tell), Buffer.alloc(1_000));
  assert.deepEqual(told, [1_000]);
  await assert.rejects(async () => unpackerOf('gzip', 999)?.(packed, tell), { code: 'RESOURCE_EXHAUSTED' });
  await assert.rejects(async () => unpackerOf('gzip', 999)?.({ compressed: true, bytes: Buffer.from('x') }, tell), {
    code: 'INTERNAL',
  });
  assert.throws(() => unpackerOf('identity', 999)?.(packed, tell), { code: 'INTERNAL' });
  assert.equal(unpackerOf('snappy', 999), undefined);
});
