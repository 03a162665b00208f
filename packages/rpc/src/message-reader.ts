import { AtollError, isAtollError } from '@atoll/base/error';
import { unfold } from '@atoll/base/unfold';
import { longestPooledBytes } from './message-pool.js';
import { malformed } from './status.js';

/** A message as it came: a flag that says whether it is compressed, and its bytes. */
export interface RawMessage {
  readonly compressed: boolean;
  readonly bytes: Buffer;
}

const prefixBytes = 5;
/** Of the object that holds a chunk, and of its memory's. */
const chunkOverheadBytes = 256;

/**
 * Cuts a stream into gRPC's messages: one byte of flag, a uint32 of length in network order, the bytes. RESOURCE_EXHAUSTED before a
 * message that is too long is kept. What is in one chunk is not copied; what comes in several is put together as it comes, so that
 * no chunk is held, in memory of `allocate` where it is short enough to be promised before it is here.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #allocate: (length: number) => Buffer;
  /** What has come of a prefix, where a chunk ended in it. */
  #prefix: Buffer | undefined;
  #prefixFilled = 0;
  #compressed = false;
  /** Where the message under way is put together. */
  #body: Buffer | undefined;
  /** A longer one takes no more memory than has come. */
  #parts: Buffer[] = [];
  #length = 0;
  #filled = 0;

  constructor(maxBytes: number, allocate: (length: number) => Buffer = (length) => Buffer.allocUnsafe(length)) {
    this.#maxBytes = maxBytes;
    this.#allocate = allocate;
  }

  /** True between messages. */
  get atEnd(): boolean {
    return this.#prefixFilled === 0;
  }

  /** What the message under way takes so far; many short chunks take more than their bytes. */
  get pendingBytes(): number {
    return this.#prefixFilled + (this.#body?.length ?? this.#filled) + this.#parts.length * chunkOverheadBytes;
  }

  /** Takes a chunk and gives the messages that it completed. */
  push(chunk: Buffer): RawMessage[] {
    const messages: RawMessage[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#prefixFilled < prefixBytes) {
        at += this.#readPrefix(chunk, at);
        if (this.#prefixFilled < prefixBytes) break;
      }
      const end = Math.min(chunk.length, at + this.#length - this.#filled);
      const whole = this.#add(chunk, at, end);
      at = end;
      if (whole === undefined) continue;
      messages.push({ compressed: this.#compressed, bytes: whole });
      this.#forget();
    }
    return messages;
  }

  /** How many bytes of a chunk belong to the prefix; once that is whole, what it says is known. */
  #readPrefix(chunk: Buffer, start: number): number {
    const missing = prefixBytes - this.#prefixFilled;
    const n = Math.min(missing, chunk.length - start);
    let [prefix, at] = [chunk, start];
    if (n < prefixBytes) {
      prefix = this.#prefix ??= Buffer.alloc(prefixBytes);
      at = 0;
      chunk.copy(prefix, this.#prefixFilled, start);
    }
    this.#prefixFilled += n;
    if (n < missing) return n;
    this.#compressed = prefix[at] === 1;
    this.#length = prefix.readUInt32BE(at + 1);
    checkLength(this.#length, this.#maxBytes);
    return n;
  }

  #forget(): void {
    this.#prefixFilled = 0;
    this.#filled = 0;
    this.#body = undefined;
    this.#parts = [];
  }

  /** The message, once it is whole. */
  #add(chunk: Buffer, start: number, end: number): Buffer | undefined {
    if (this.#filled === 0 && end - start === this.#length) return chunk.subarray(start, end);
    if (end === start) return undefined;
    this.#filled += end - start;
    if (this.#length <= longestPooledBytes) {
      this.#body ??= this.#allocate(this.#length);
      chunk.copy(this.#body, this.#filled - (end - start), start, end);
      return this.#filled === this.#length ? this.#body : undefined;
    }
    this.#parts.push(chunk.subarray(start, end));
    return this.#filled === this.#length ? Buffer.concat(this.#parts) : undefined;
  }
}

const formats = { gzip: 'gzip', deflate: 'zlib' } as const;

/** The encodings of requests that are understood, as a header. */
export const acceptedEncodings = `identity,${Object.keys(formats).join()}`;

/** Makes a message what it was before it was compressed; `more` is told of its size while it comes, and throws to stop it. */
export type Unpack = (message: RawMessage, more: (sizeBytes: number) => void) => Buffer | Promise<Buffer>;

/** Unpacks messages of an encoding; undefined for one that is not known. */
export function unpackerOf(encoding: string, maxBytes: number): Unpack | undefined {
  if (encoding === 'identity') {
    return ({ compressed, bytes }) => {
      if (compressed) throw malformed('Received a compressed message without its encoding');
      return bytes;
    };
  }
  if (encoding !== 'gzip' && encoding !== 'deflate') return undefined;
  return async ({ compressed, bytes }, more) => {
    if (!compressed) return bytes;
    let sizeBytes = 0;
    try {
      return await unfold(bytes, formats[encoding], (moreBytes) => {
        sizeBytes += moreBytes;
        if (sizeBytes > maxBytes)
          throw new AtollError(
            'RESOURCE_EXHAUSTED',
            `Received message larger than max (more than ${maxBytes} unpacked)`,
          );
        more(moreBytes);
      });
    } catch (error) {
      if (isAtollError(error)) throw error;
      throw malformed(`Received a message that is not ${encoding}`, error);
    }
  };
}

function checkLength(length: number, maxBytes: number): void {
  if (length > maxBytes)
    throw new AtollError('RESOURCE_EXHAUSTED', `Received message larger than max (${length} vs ${maxBytes})`);
}
