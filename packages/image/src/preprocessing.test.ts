import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultPreprocessing, toTensorBytes } from './preprocessing.js';
import type { InputTensor, Preprocessing } from './preprocessing.js';

const tensor = (dtype: string, scale: number | null, zeroPoint: number | null): InputTensor => ({
  name: 'x',
  dtype,
  shape: [1, 1, 2, 3],
  scale,
  zeroPoint,
});
const pixels = Uint8Array.of(0, 1, 2, 128, 254, 255);

describe('toTensorBytes()', () => {
  const cases: readonly [string, InputTensor, Partial<Preprocessing>, readonly number[]][] = [
    ['uint8 over 0..1', tensor('uint8', 1 / 255, 0), { mean: [0], std: [255] }, [0, 1, 2, 128, 254, 255]],
    [
      'int8 over 0..1',
      tensor('int8', Math.fround(1 / 255), -128),
      { mean: [0], std: [255] },
      [-128, -127, -126, 0, 126, 127],
    ],
    [
      'int8 over -1..1: each pixel is a tie, and goes to its own value',
      tensor('int8', Math.fround(1 / 127.5), 0),
      { mean: [127.5], std: [127.5] },
      [-128, -127, -126, 0, 126, 127],
    ],
    [
      'uint8 over -1..1: the pixel itself',
      tensor('uint8', Math.fround(1 / 127.5), 128),
      { mean: [127.5], std: [127.5] },
      [0, 1, 2, 128, 254, 255],
    ],
    [
      'a narrower input range is clamped',
      tensor('uint8', 1 / 510, 0),
      { mean: [0], std: [255] },
      [0, 2, 4, 255, 255, 255],
    ],
    ['uint8 without scale', tensor('uint8', null, null), {}, [0, 1, 2, 128, 254, 255]],
    ['int8 without scale', tensor('int8', null, null), {}, [-128, -127, -126, 0, 126, 127]],
    ['bgr', tensor('uint8', null, null), { channelOrder: 'bgr' }, [2, 1, 0, 255, 254, 128]],
    [
      'float32 by channel',
      tensor('float32', null, null),
      { mean: [0, 1, 2], std: [1, 2, 4] },
      [0, 0, 0, 128, 126.5, 63.25],
    ],
  ];
  for (const [name, input, change, expected] of cases) {
    test(name, () => {
      const bytes = toTensorBytes(pixels, { ...defaultPreprocessing(input), ...change }, input);
      const views = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };
      const View = views[input.dtype as keyof typeof views];
      assert.deepEqual([...new View(bytes.slice().buffer)], expected);
    });
  }

  test('refuses pixels of another size', () => {
    const input = tensor('uint8', null, null);
    assert.throws(() => toTensorBytes(new Uint8Array(5), defaultPreprocessing(input), input), /5 pixel bytes/);
  });
});

describe('defaultPreprocessing()', () => {
  test('passes pixels through unchanged whatever the quantization', () => {
    for (const [dtype, zeroPoint, shift] of [
      ['uint8', 128, 0],
      ['uint8', 0, 0],
      ['int8', -1, 128],
    ] as const) {
      const input = tensor(dtype, 0.0078125, zeroPoint);
      const bytes = toTensorBytes(pixels, defaultPreprocessing(input), input);
      assert.deepEqual(
        bytes,
        Uint8Array.from(pixels, (p) => p - shift),
      );
    }
  });

  test('refuses an input that is not an RGB picture', () => {
    assert.throws(() => defaultPreprocessing({ ...tensor('uint8', null, null), shape: [1, 28, 28] }), {
      code: 'FAILED_PRECONDITION',
    });
  });
});
