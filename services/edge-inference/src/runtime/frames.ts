/*
 * Frames between front and child: uint32 body length, uint32 head length, the head as JSON, then the payload, all lengths
 * little-endian. A length beyond the limit ends the conversation before anything of it is kept.
 */
import { AtollError } from '@atoll/base/error';

/** A message with the bytes of its tensors, one after the other. */
export interface Frame {
  readonly head: unknown;
  readonly payload: Uint8Array;
}

/** Largest body: the tensors of one run or its results. */
export const maxFrameBytes = 64 * 1024 * 1024;

const prefixBytes = 8;

/** A frame as the pieces to write, without joining the tensors. */
export function encodeFrame(head: object, payload: readonly Uint8Array[] = []): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(head));
  const bodyBytes = json.length + payload.reduce((sum, part) => sum + part.byteLength, 0);
  if (bodyBytes > maxFrameBytes) throw tooLong(bodyBytes);
  const first = Buffer.allocUnsafe(prefixBytes + json.length);
  first.writeUInt32LE(bodyBytes, 0);
  first.writeUInt32LE(json.length, 4);
  json.copy(first, prefixBytes);
  return [first, ...payload];
}

/** Cuts a stream of chunks into frames; DATA_LOSS for a length that cannot be. Payloads are copies of their own. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Takes a chunk and gives the frames that it completed. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#bytes < prefixBytes) return undefined;
    const start = this.#peek(prefixBytes);
    const [bodyBytes, headBytes] = [start.readUInt32LE(0), start.readUInt32LE(4)];
    if (bodyBytes > maxFrameBytes) throw tooLong(bodyBytes);
    if (headBytes > bodyBytes)
      throw new AtollError('DATA_LOSS', `cannot read a frame: its head of ${headBytes} bytes is longer than it`);
    if (this.#bytes < prefixBytes + bodyBytes) return undefined;
    const whole = this.#peek(prefixBytes + bodyBytes);
    this.#chunks = this.#bytes > whole.length ? [Buffer.concat(this.#chunks).subarray(whole.length)] : [];
    this.#bytes -= whole.length;
    const headEnd = prefixBytes + headBytes;
    return {
      head: parseHead(whole.toString('utf8', prefixBytes, headEnd)),
      payload: new Uint8Array(whole.subarray(headEnd, prefixBytes + bodyBytes)),
    };
  }

  /** The first n bytes as one buffer. */
  #peek(n: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= n) return first.subarray(0, n);
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]?.subarray(0, n) ?? Buffer.alloc(0);
  }
}

/** Cuts a payload into the tensors whose sizes the head names; DATA_LOSS when they do not add up. */
export function cutPayload(payload: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== payload.byteLength) {
    throw new AtollError(
      'DATA_LOSS',
      `cannot read a frame: it holds ${payload.byteLength} bytes of tensors, not ${total}`,
    );
  }
  let offset = 0;
  return sizes.map((size) => payload.subarray(offset, (offset += size)));
}

function parseHead(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AtollError('DATA_LOSS', 'cannot read a frame: its head is not JSON', { cause: error });
  }
}

function tooLong(bytes: number): AtollError {
  return new AtollError('DATA_LOSS', `cannot carry a frame of ${bytes} bytes: the limit is ${maxFrameBytes}`);
}
