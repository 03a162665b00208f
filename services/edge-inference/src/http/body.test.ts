import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { readBody } from './body.js';

function requestOf(body: Buffer, encoding: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers['content-encoding'] = encoding;
  request.push(body);
  request.push(null);
  return request;
}

const plain = Buffer.alloc(300_000, 'photo');

for (const [encoding, folded] of [
  ['gzip', gzipSync(plain)],
  ['deflate', deflateSync(plain)],
  ['deflate', deflateRawSync(plain)],
] as const) {
  test(`readBody() unfolds ${encoding}, counts what was sent and what it is, and gives the room back`, async () => {
    const room = { limitBytes: 1_000_000, usedBytes: 0 };
    const body = await readBody(requestOf(folded, encoding), { maxBytes: 300_000, room });
    assert.deepEqual(body.bytes, plain);
    assert.equal(room.usedBytes, folded.length + plain.length);
    body.release();
    assert.equal(room.usedBytes, 0);
  });
}

test('readBody() counts what unfolds while it unfolds, and stops where there is no room for more', async () => {
  let usedBytes = 0;
  const taken: number[] = [];
  const room = {
    limitBytes: 1_000_000,
    get usedBytes() {
      return usedBytes;
    },
    set usedBytes(bytes) {
      taken.push(bytes - usedBytes);
      usedBytes = bytes;
    },
  };
  const fitting = await readBody(requestOf(gzipSync(Buffer.alloc(900_000)), 'gzip'), { maxBytes: 2 ** 24, room });
  assert.ok(Math.max(...taken) < 100_000, `${Math.max(...taken)} bytes at once`);
  const bomb = readBody(requestOf(gzipSync(Buffer.alloc(2 ** 24)), 'gzip'), { maxBytes: 2 ** 24, room });
  await assert.rejects(bomb, { code: 'RESOURCE_EXHAUSTED' });
  fitting.release();
  assert.equal(usedBytes, 0);
});

test('readBody() refuses a body that unfolds to more than one may have, or is not what it says', async () => {
  const room = { limitBytes: 2 ** 24, usedBytes: 0 };
  const read = (body: Buffer) => readBody(requestOf(body, 'gzip'), { maxBytes: 200_000, room });
  await assert.rejects(read(gzipSync(plain)), (error: { detail?: unknown }) => {
    assert.deepEqual(error.detail, { httpStatus: '413' });
    return true;
  });
  await assert.rejects(read(Buffer.from('no gzip at all')), { code: 'INVALID_ARGUMENT', message: /it is no gzip/ });
  assert.equal(room.usedBytes, 0);
});
