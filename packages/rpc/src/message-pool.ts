/*
 * Memory for request messages that came in several chunks, used again once a call has been answered. A picture a request
 * is more than what the young generation is collected for: each new buffer would bring the next collection of the whole heap
 * nearer, which costs more than the call itself. Nothing is kept above a bound; what is not given back is garbage like any other.
 */

/** Longer messages are rare, and not pooled. */
export const longestPooledBytes = 256 * 1024;
/** Shorter ones cost next to nothing. */
const shortestPooledBytes = 4 * 1024;
/** Buffers of one size that wait for their next use. */
const mostOfASize = 32;

/** Buffers by size, a power of two each. */
export class MessagePool {
  readonly #free = new Map<number, ArrayBuffer[]>();
  /** Handed out and not yet given back. */
  readonly #own = new WeakSet<ArrayBufferLike>();

  /** Memory for a message of this length, with whatever was in it before. */
  take(length: number): Buffer {
    if (length < shortestPooledBytes || length > longestPooledBytes) return Buffer.allocUnsafeSlow(length);
    const sizeBytes = 2 ** Math.ceil(Math.log2(length));
    const memory = this.#free.get(sizeBytes)?.pop() ?? new ArrayBuffer(sizeBytes);
    this.#own.add(memory);
    return Buffer.from(memory, 0, length);
  }

  /** Takes back memory that came from take() and that nobody reads any more; any other memory is left alone. */
  giveBack({ buffer }: Buffer): void {
    if (!this.#own.delete(buffer)) return;
    const free = this.#free.get(buffer.byteLength) ?? [];
    if (free.length < mostOfASize) free.push(buffer as ArrayBuffer);
    this.#free.set(buffer.byteLength, free);
  }
}
