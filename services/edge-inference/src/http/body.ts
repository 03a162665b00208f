/*
 * Bodies of requests, never more of them than this node has room for: the declared length is checked before a byte is read, what
 * comes is counted while it comes, what a compressed body unfolds to is bounded, and so is the sum over all requests that are
 * under way.
 */
import type { IncomingMessage } from 'node:http';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import { unfold } from '@atoll/base/unfold';
import { httpFault } from './answer.js';

/** Room for bodies. */
export interface BodyLimits {
  /** Of one body, as sent and as unfolded. */
  readonly maxBytes: number;
  /** Of all bodies together. */
  readonly room: BodyRoom;
}

/** Room that all requests share. */
export interface BodyRoom {
  readonly limitBytes: number;
  usedBytes: number;
}

/** A body, and the room that it takes until it is released. */
export interface Body {
  readonly bytes: Buffer;
  release(): void;
}

/** Reads and unfolds the body of a request; see BodyLimits. Whoever is given it releases it. */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Body> {
  const encoding = encodingOf(request.headers['content-encoding']);
  let taken = 0;
  const take = (bytes: number): void => {
    if (limits.room.usedBytes + bytes > limits.room.limitBytes) {
      throw new AtollError('RESOURCE_EXHAUSTED', 'cannot read the body: the node has no room for more requests');
    }
    limits.room.usedBytes += bytes;
    taken += bytes;
  };
  const release = (): void => {
    limits.room.usedBytes -= taken;
    taken = 0;
  };
  try {
    const sent = await collect(request, limits.maxBytes, take);
    if (encoding === 'identity') return { bytes: sent, release };
    return { bytes: await unfolded(sent, encoding, limits.maxBytes, take), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Refuses a declared length above the limit; a request without one is counted while it comes. */
export function checkDeclaredLength(request: IncomingMessage, maxBytes: number): void {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(declared, maxBytes);
}

function collect(request: IncomingMessage, maxBytes: number, take: (bytes: number) => void): Promise<Buffer> {
  checkDeclaredLength(request, maxBytes);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.byteLength;
      try {
        if (sizeBytes > maxBytes) throw tooLarge('more', maxBytes);
        take(chunk.byteLength);
        chunks.push(chunk);
      } catch (error) {
        request.off('data', onData);
        reject(error as AtollError);
      }
    };
    request.on('data', onData);
    let ended = false;
    request.once('end', () => {
      ended = true;
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, sizeBytes));
    });
    request.once('close', () => {
      if (!ended) reject(new AtollError('CANCELLED', 'cannot read the body: the caller went away'));
    });
  });
}

type Encoding = 'identity' | 'gzip' | 'deflate';

function encodingOf(header: string | undefined): Encoding {
  switch (header?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    default:
      throw httpFault(
        415,
        `cannot read a body of encoding ${JSON.stringify(header?.slice(0, 40))}: it is not gzip or deflate`,
      );
  }
}

async function unfolded(
  bytes: Buffer,
  encoding: 'gzip' | 'deflate',
  maxBytes: number,
  take: (bytes: number) => void,
): Promise<Buffer> {
  // "deflate" means zlib's format (RFC 9110, 8.4.1.2); some senders leave its header out.
  const isZlib = ((bytes[0] ?? 0) & 0x0f) === 8;
  let sizeBytes = 0;
  try {
    return await unfold(bytes, encoding === 'gzip' ? 'gzip' : isZlib ? 'zlib' : 'deflate', (moreBytes) => {
      sizeBytes += moreBytes;
      if (sizeBytes > maxBytes) throw tooLarge('more', maxBytes);
      take(moreBytes);
    });
  } catch (error) {
    if (isAtollError(error)) throw error;
    throw new AtollError('INVALID_ARGUMENT', `cannot read the body: it is no ${encoding}: ${reasonOf(error)}`);
  }
}

function tooLarge(size: string, maxBytes: number): AtollError {
  return httpFault(413, `cannot read the body: it has ${size} bytes, ${maxBytes} are the limit`);
}
