import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  controlFrame,
  cutTensors,
  frameKind,
  FrameReader,
  headBytes,
  maxFrameBytes,
  parseControl,
  writeHead,
} from './frames.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function runFrame(id: number, model: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  writeHead(head, { bodyBytes: body.length, kind: frameKind.run, id, model });
  return Buffer.concat([head, body]);
}

describe('FrameReader', () => {
  const stream = Buffer.concat([
    runFrame(1, 7, bytes(1, 2, 3, 4, 5)),
    controlFrame({ kind: 'ping', id: 2 }),
    runFrame(3, 8, new Uint8Array(0)),
    runFrame(4, 0xffffffff, new Uint8Array(70_000).fill(9)),
  ]);

  for (const step of [1, 3, 15, 16, 17, 1_000, stream.length]) {
    test(`gives the same frames from chunks of ${step} bytes`, () => {
      const reader = new FrameReader();
      const frames = [];
      for (let at = 0; at < stream.length; at += step) frames.push(...reader.push(stream.subarray(at, at + step)));
      assert.deepEqual(
        frames.map(({ kind, id, model, body }) => [kind, id, model, body.length]),
        [
          [1, 1, 7, 5],
          [0, 0, 0, 22],
          [1, 3, 8, 0],
          [1, 4, 0xffffffff, 70_000],
        ],
      );
      assert.deepEqual(cutTensors(frames[0]?.body ?? bytes(), [3, 0, 2]), [bytes(1, 2, 3), bytes(), bytes(4, 5)]);
      assert.deepEqual(parseControl(frames[1]?.body ?? Buffer.alloc(0)), { kind: 'ping', id: 2 });
    });
  }

  test('refuses a length that cannot be before it keeps any of its bytes', () => {
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(maxFrameBytes + 1, 0);
    assert.throws(() => new FrameReader().push(head), { code: 'DATA_LOSS' });
  });

  test('parseControl() refuses what is not JSON, cutTensors() sizes that do not add up', () => {
    assert.throws(() => parseControl(Buffer.from('{x}')), { code: 'DATA_LOSS' });
    assert.throws(() => cutTensors(bytes(1, 2, 3), [2, 2]), { code: 'DATA_LOSS' });
  });
});
