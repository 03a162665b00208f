/*
 * Bodies of requests, never more of them than this node has room for: the declared length is checked before a byte is read, what
 * comes is counted while it comes, what a compressed body unfolds to is bounded, and so is the sum over all requests that are
 * under way.
 */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
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
    const bytes = await unfold(sent, encoding, limits.maxBytes);
    take(bytes.byteLength);
    return { bytes, release };
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

async function unfold(bytes: Buffer, encoding: 'gzip' | 'deflate', maxOutputLength: number): Promise<Buffer> {
  // "deflate" means zlib's format (RFC 9110, 8.4.1.2); some senders leave its header out.
  const isZlib = ((bytes[0] ?? 0) & 0x0f) === 8;
  const method = encoding === 'gzip' ? gunzip : isZlib ? inflate : inflateRaw;
  try {
    return await promisify<Buffer, { maxOutputLength: number }, Buffer>(method)(bytes, { maxOutputLength });
  } catch (error) {
    if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge('more', maxOutputLength);
    throw new AtollError('INVALID_ARGUMENT', `cannot read the body: it is no ${encoding}: ${reasonOf(error)}`);
  }
}

function tooLarge(size: string, maxBytes: number): AtollError {
  return httpFault(413, `cannot read the body: it has ${size} bytes, ${maxBytes} are the limit`);
}
