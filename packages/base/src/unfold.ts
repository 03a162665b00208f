import { createGunzip, createInflate, createInflateRaw } from 'node:zlib';

const makers = { gzip: createGunzip, zlib: createInflate, deflate: createInflateRaw } as const;

/** Pieces in which it comes out. */
const pieceBytes = 64 * 1024;

/**
 * What folded bytes unfold to: a file of gzip, a stream of zlib, or bare deflate (RFC 1952, 1950, 1951). `more` is told the size
 * of each piece before the next one is made, and stops it by throwing: a few bytes may unfold to a thousand times as many.
 */
export async function unfold(
  folded: Uint8Array,
  format: keyof typeof makers,
  more: (sizeBytes: number) => void,
): Promise<Buffer> {
  const stream = makers[format]({ chunkSize: pieceBytes });
  stream.end(folded);
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    more(piece.length);
    pieces.push(piece);
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}
