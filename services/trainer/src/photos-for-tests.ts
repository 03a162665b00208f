/** Photos that tests make themselves: small, lossless and learnable. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { randomStream } from './augment/random.js';

/** RGB pixels of a photo that one colour of three stands out of, under noise: label 0 is red, 1 green, 2 blue. */
function colouredPixels(size: number, label: number, name: string): Uint8Array {
  const random = randomStream(5, 'photo', label, name);
  return Uint8Array.from({ length: size * size * 3 }, (_, i) =>
    Math.floor(i % 3 === label ? random.between(110, 256) : random.between(0, 150)),
  );
}

/** Encodes RGB pixels (size x size x 3) as PNG. */
function encodePng(pixels: Uint8Array, size: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rows = Array.from({ length: size }, (_, y) =>
    Buffer.concat([Buffer.from([0]), pixels.subarray(y * size * 3, (y + 1) * size * 3)]),
  );
  return png(header, deflateSync(Buffer.concat(rows)));
}

/** A PNG whose header alone says 30,000 x 30,000 pixels. */
export function hugePng(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(30_000, 0);
  header.writeUInt32BE(30_000, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return png(header, Buffer.alloc(32));
}

/** Writes `perClass` photos into each of the folders red, green and blue (in label order blue, green, red); gives their paths below `root`. */
export async function writeColourFolders(root: string, perClass: number, size: number): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const [label, name] of ['red', 'green', 'blue'].entries()) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const path = `${name}/${String(i).padStart(3, '0')}.png`;
      await writeFile(join(root, path), encodePng(colouredPixels(size, label, path), size));
      paths.push(path);
    }
  }
  return paths;
}

function png(header: Buffer, data: Buffer): Buffer {
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
