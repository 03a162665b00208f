import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { decodeImage, maxEncodedBytes } from './decode.js';
import { imagesIn } from './images-in.js';

const target = { width: 4, height: 2, channels: 3 } as const;

/** Left half red, right half blue, 8 x 4. */
function redAndBlue() {
  const pixels = Buffer.alloc(8 * 4 * 3);
  for (let i = 0; i < 32; i++) pixels[i * 3 + (i % 8 < 4 ? 0 : 2)] = 255;
  return sharp(pixels, { raw: { width: 8, height: 4, channels: 3 } });
}

describe('decodeImage()', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-image-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('gives RGB rows of the size asked for', async () => {
    const pixels = await decodeImage(await redAndBlue().png().toBuffer(), target);
    assert.equal(pixels.byteLength, 24);
    assert.deepEqual([...pixels.subarray(0, 3)], [255, 0, 0]);
    assert.deepEqual([...pixels.subarray(9, 12)], [0, 0, 255]);
  });

  test('gives luma of one channel where that is asked for', async () => {
    const pixels = await decodeImage(await redAndBlue().png().toBuffer(), { ...target, channels: 1 });
    assert.deepEqual([pixels.byteLength, pixels[0], pixels[3]], [8, 76, 29]);
  });

  test('flattens alpha and widens grey to three channels', async () => {
    const grey = await redAndBlue().greyscale().png().toBuffer();
    assert.equal((await decodeImage(grey, target)).byteLength, 24);
    const clear = {
      create: { width: 4, height: 2, channels: 4, background: { r: 255, g: 255, b: 255, alpha: 0 } },
    } as const;
    const pixels = await decodeImage(await sharp(clear).png().toBuffer(), target);
    assert.ok(pixels.every((value) => value === 0));
  });

  test('turns by EXIF only when asked', async () => {
    const turned = await redAndBlue().withMetadata({ orientation: 3 }).png().toBuffer();
    const asStored = await decodeImage(turned, target);
    const upright = await decodeImage(turned, { ...target, autoOrient: true });
    assert.equal(asStored[0], 255);
    assert.equal(upright[0], 0);
  });

  test('refuses a picture of 30,000 x 30,000 pixels with one line', async () => {
    const path = join(folder, 'huge.png');
    await writeFile(path, hugePng());
    await assert.rejects(decodeImage(path, target), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.match(
        error.message,
        /^cannot decode .*huge\.png: 30000 x 30000 pixels are above the limit of 100,000,000 pixels$/,
      );
      return true;
    });
  });

  test('refuses damaged, empty, foreign and oversized bytes', async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    for (const bytes of [
      jpeg.subarray(0, jpeg.length / 2),
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.alloc(maxEncodedBytes + 1),
    ]) {
      await assert.rejects(decodeImage(bytes, target), { code: 'INVALID_ARGUMENT' });
    }
    await assert.rejects(decodeImage(join(folder, 'none.png'), target), { code: 'NOT_FOUND' });
  });

  test('stops for an aborted signal', async () => {
    const reason = new Error('stopped');
    await assert.rejects(decodeImage(Buffer.from('x'), target, AbortSignal.abort(reason)), reason);
  });

  test('imagesIn() lists flat photos first, then folder by folder, and passes other files over', async () => {
    const png = await redAndBlue().png().toBuffer();
    const root = join(folder, 'set');
    await mkdir(join(root, 'b'), { recursive: true });
    await mkdir(join(root, 'a'));
    for (const name of ['b/2.png', 'b/1.JPG', 'a/x.webp', 'z.png', 'notes.txt', '.hidden.png']) {
      await writeFile(join(root, name), png);
    }
    const listed = await imagesIn([root, join(root, 'notes.txt')]);
    assert.deepEqual(
      listed.map((image) => [image.path.slice(root.length + 1), image.folder]),
      [
        ['z.png', null],
        ['a/x.webp', 'a'],
        ['b/1.JPG', 'b'],
        ['b/2.png', 'b'],
        ['notes.txt', null],
      ],
    );
    await assert.rejects(imagesIn([join(root, 'missing')]), { code: 'NOT_FOUND' });
  });
});

/** A PNG whose header says 30,000 x 30,000; its data may be short, for it must never be reached. */
function hugePng(): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(30_000, 0);
  header.writeUInt32BE(30_000, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(32)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** CRC-32 of PNG chunks (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
