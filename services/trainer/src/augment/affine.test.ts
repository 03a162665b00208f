import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Affine, composeAffine, randomAffine, rescaleInto, warpInto } from './affine.js';
import { noAugmentation } from './augmentation.js';
import { randomStream } from './random.js';

const size = 9;
const identity: Affine = { a: 1, b: 0, c: 0, d: 1 };
const photo = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 37) % 256);

function warped(source: Uint8Array, affine: Affine): Float32Array {
  const out = new Float32Array(size * size * 3);
  warpInto(source, size, affine, out, 0);
  return out;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs((actual[i] ?? 9) - (expected[i] ?? 0)) < 1e-5, `at ${i}: ${actual[i]} against ${expected[i]}`);
  }
}

describe('warpInto()', () => {
  test('with the identity only rescales, as rescaleInto() does', () => {
    const plain = new Float32Array(photo.length);
    rescaleInto(photo, plain, 0);
    assertClose(warped(photo, identity), plain);
    assert.equal(plain[1], Math.fround(37 / 255));
  });

  test('turns by 90 degrees about the centre', () => {
    const turned = warped(photo, composeAffine(Math.PI / 2, 0, 1, 1));
    // Row y, column x reads source x = size - 1 - y, y = x.
    const expected = Float32Array.from({ length: photo.length }, (_, i) => {
      const [channel, place] = [i % 3, Math.floor(i / 3)];
      const [x, y] = [place % size, Math.floor(place / size)];
      return (photo[(x * size + (size - 1 - y)) * 3 + channel] ?? 0) / 255;
    });
    assertClose(turned, expected);
  });

  test('reads halfway between pixels as their mean', () => {
    const ramp = Uint8Array.from({ length: size * size * 3 }, (_, i) => (Math.floor(i / 3) % size) * 20);
    const zoomed = warped(ramp, composeAffine(0, 0, 0.5, 1));
    assertClose(
      Array.from({ length: size }, (_, x) => (zoomed[x * 3] ?? 0) * 255),
      Array.from({ length: size }, (_, x) => (4 + (x - 4) / 2) * 20),
    );
  });

  test('fills from the nearest edge outside the photo', () => {
    const zoomedOut = warped(photo, composeAffine(0, 0, 3, 3));
    for (let c = 0; c < 3; c++) assert.ok(Math.abs((zoomedOut[c] ?? 0) - (photo[c] ?? 0) / 255) < 1e-6);
  });

  test('writes only its own place of the batch', () => {
    const out = new Float32Array(photo.length + 10).fill(-1);
    warpInto(photo, size, identity, out, 5);
    assert.deepEqual(
      [...out.subarray(0, 5), ...out.subarray(-5)],
      Array.from({ length: 10 }, () => -1),
    );
  });
});

describe('randomAffine()', () => {
  test('with no range is the identity', () => {
    assert.deepEqual(randomAffine(noAugmentation, randomStream(1)), { a: 1, b: -0, c: 0, d: 1 });
  });

  test('stays within the ranges and reaches towards their ends', () => {
    const random = randomStream(1, 'ranges');
    const zooms: number[] = [];
    const angles: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      const { a, c } = randomAffine({ zoom: 0.3, rotateDegrees: 25, shearDegrees: 0 }, random);
      zooms.push(Math.hypot(a, c));
      angles.push((Math.atan2(c, a) * 180) / Math.PI);
    }
    const [least, most] = [Math.min(...zooms), Math.max(...zooms)];
    assert.ok(least >= 0.7 && least < 0.72 && most <= 1.3 && most > 1.28, `${least} to ${most}`);
    const [left, right] = [Math.min(...angles), Math.max(...angles)];
    assert.ok(left >= -25 && left < -24 && right <= 25 && right > 24, `${left} to ${right}`);
  });
});
