// Encoded photos for the tests, made from a seed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { smoothPhotos } from './test-models.js';

/** RGB pixels (width x height x 3) as a PNG file. */
function encodePng(pixels: Uint8Array, width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.concat([Buffer.from([0]), pixels.subarray(y * width * 3, (y + 1) * width * 3)]),
  );
  return png(width, height, deflateSync(Buffer.concat(rows)));
}

/** A PNG whose header alone promises 30,000 x 30,000 pixels. */
export function hugePng(): Buffer {
  return png(30_000, 30_000, Buffer.alloc(32));
}

/** Writes `count` photos in turn into class folders below `root`, and gives their paths. */
export async function writePhotos(
  root: string,
  labels: readonly string[],
  count: number,
  seed: number,
): Promise<string[]> {
  const paths: string[] = [];
  for (const label of labels) await mkdir(join(root, label), { recursive: true });
  for (const [index, photo] of smoothPhotos(count, seed, labels).entries()) {
    const pixels = await photo.pixels({ width: 40, height: 40, channels: 3 }, new AbortController().signal);
    const path = `${photo.label ?? '.'}/${index}.png`;
    await writeFile(join(root, path), encodePng(pixels, 40, 40));
    paths.push(path);
  }
  return paths;
}

function png(width: number, height: number, data: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(typed));
  return Buffer.concat([size, typed, check]);
}
