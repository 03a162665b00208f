import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutPayload, encodeFrame, FrameReader, maxFrameBytes } from './frames.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('FrameReader', () => {
  const stream = Buffer.concat([
    ...encodeFrame({ kind: 'run', id: 1, sizes: [3, 0, 2] }, [bytes(1, 2, 3), bytes(), bytes(4, 5)]),
    ...encodeFrame({ kind: 'ping', id: 2 }),
    ...encodeFrame({ kind: 'run', id: 3, sizes: [70_000] }, [new Uint8Array(70_000).fill(9)]),
  ]);

  for (const step of [1, 3, 8, 9, 1_000, stream.length]) {
    test(`gives the same frames from chunks of ${step} bytes`, () => {
      const reader = new FrameReader();
      const frames = [];
      for (let at = 0; at < stream.length; at += step) frames.push(...reader.push(stream.subarray(at, at + step)));
      assert.deepEqual(
        frames.map(({ head, payload }) => [(head as { id: number }).id, payload.length]),
        [
          [1, 5],
          [2, 0],
          [3, 70_000],
        ],
      );
      const [first] = frames;
      assert.deepEqual(cutPayload(first?.payload ?? bytes(), [3, 0, 2]), [bytes(1, 2, 3), bytes(), bytes(4, 5)]);
    });
  }

  test('refuses lengths that cannot be before it keeps any of their bytes', () => {
    const start = (body: number, head: number): Buffer => {
      const buffer = Buffer.alloc(8);
      buffer.writeUInt32LE(body, 0);
      buffer.writeUInt32LE(head, 4);
      return buffer;
    };
    for (const chunk of [start(maxFrameBytes + 1, 2), start(4, 5), Buffer.concat([start(3, 3), Buffer.from('{x}')])]) {
      assert.throws(() => new FrameReader().push(chunk), { code: 'DATA_LOSS' });
    }
  });

  test('cutPayload() refuses sizes that do not add up', () => {
    assert.throws(() => cutPayload(bytes(1, 2, 3), [2, 2]), { code: 'DATA_LOSS' });
  });
});
