import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { AtollError, errnoOf } from '@atoll/base/error';
import { malformed } from './status.js';

/** A message as it came: a flag that says whether it is compressed, and its bytes. */
export interface RawMessage {
  readonly compressed: boolean;
  readonly bytes: Buffer;
}

const prefixBytes = 5;
/** Of the object that holds a chunk, and of its memory's. */
const chunkOverheadBytes = 256;

/** Cuts a stream into gRPC's messages: one byte of flag, a uint32 of length in network order, the bytes. RESOURCE_EXHAUSTED before a message that is too long is kept. */
export class MessageReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of the message under way, prefix included; 0 = not known yet. */
  #wanted = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True between messages. */
  get atEnd(): boolean {
    return this.#bytes === 0;
  }

  /** What the message under way takes so far; many short chunks take more than their bytes. */
  get pendingBytes(): number {
    return this.#bytes + this.#chunks.length * chunkOverheadBytes;
  }

  /** Takes a chunk and gives the messages that it completed; what is in one chunk is not copied. */
  push(chunk: Buffer): RawMessage[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: RawMessage[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): RawMessage | undefined {
    if (this.#wanted === 0) {
      if (this.#bytes < prefixBytes) return undefined;
      const length = this.#first(prefixBytes).readUInt32BE(1);
      checkLength(length, this.#maxBytes);
      this.#wanted = prefixBytes + length;
    }
    if (this.#bytes < this.#wanted) return undefined;
    const whole = this.#first(this.#wanted);
    const [first = whole, ...rest] = this.#chunks;
    this.#chunks = first.length > this.#wanted ? [first.subarray(this.#wanted), ...rest] : rest;
    this.#bytes -= this.#wanted;
    this.#wanted = 0;
    return { compressed: whole[0] === 1, bytes: whole.subarray(prefixBytes) };
  }

  /** The first n bytes. */
  #first(n: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= n) return first.subarray(0, n);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.subarray(0, n);
  }
}

const unpackers = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** The encodings of requests that are understood, as a header. */
export const acceptedEncodings = `identity,${Object.keys(unpackers).join()}`;

/** Unpacks messages of an encoding; undefined for one that is not known. */
export function unpackerOf(
  encoding: string,
  maxBytes: number,
): ((message: RawMessage) => Buffer | Promise<Buffer>) | undefined {
  if (encoding === 'identity') {
    return ({ compressed, bytes }) => {
      if (compressed) throw malformed('Received a compressed message without its encoding');
      return bytes;
    };
  }
  if (encoding !== 'gzip' && encoding !== 'deflate') return undefined;
  return async ({ compressed, bytes }) => {
    if (!compressed) return bytes;
    try {
      return await unpackers[encoding](bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE')
        throw new AtollError('RESOURCE_EXHAUSTED', `Received message larger than max (more than ${maxBytes} unpacked)`);
      throw malformed(`Received a message that is not ${encoding}`, error);
    }
  };
}

function checkLength(length: number, maxBytes: number): void {
  if (length > maxBytes)
    throw new AtollError('RESOURCE_EXHAUSTED', `Received message larger than max (${length} vs ${maxBytes})`);
}
