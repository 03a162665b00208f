import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes every item, waiting whenever the peer is slower: memory holds one item more than the stream's own buffer. */
export async function writeAll<T>(items: AsyncIterable<T>, stream: Writable, signal: AbortSignal): Promise<void> {
  for await (const item of items) {
    signal.throwIfAborted();
    if (!stream.write(item)) await once(stream, 'drain', { signal });
  }
}
