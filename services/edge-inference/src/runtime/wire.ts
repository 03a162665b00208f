/*
 * The child's end of the conversation, in plain reads and writes on a blocking descriptor: while the child has nothing but runs
 * to do it waits in the kernel, and the bytes of a request go from the socket straight into the model's own memory.
 */
import { read, readSync, writevSync } from 'node:fs';
import { headBytes, readHead } from './frames.js';
import type { FrameHead } from './frames.js';

/** See the head of the file. Every function ends with `undefined` or false when the front has gone. */
export interface Wire {
  /** Waits for the next head on the calling thread; nothing else happens in the process meanwhile. */
  nextHead(): FrameHead | undefined;
  /** Waits for it beside the event loop. */
  nextHeadBeside(): Promise<FrameHead | undefined>;
  /** Fills all of `target`. */
  fill(target: Uint8Array): boolean;
  /** Reads past bytes that nobody wants. */
  skip(sizeBytes: number): boolean;
  send(parts: readonly Uint8Array[]): void;
}

/** A wire on a descriptor of the calling process. */
export function wireOn(descriptor: number): Wire {
  const head = Buffer.alloc(headBytes);
  const scrap = new Uint8Array(4096);

  const fillFrom = (target: Uint8Array, start: number): boolean => {
    for (let at = start; at < target.byteLength;) {
      const got = readSync(descriptor, target, at, target.byteLength - at, null);
      if (got === 0) return false;
      at += got;
    }
    return true;
  };
  return {
    nextHead: () => (fillFrom(head, 0) ? readHead(head) : undefined),
    async nextHeadBeside() {
      const got = await new Promise<number>((resolve, reject) => {
        read(descriptor, head, 0, headBytes, null, (error, count) => (error === null ? resolve(count) : reject(error)));
      });
      return got > 0 && fillFrom(head, got) ? readHead(head) : undefined;
    },
    fill: (target) => fillFrom(target, 0),
    skip(sizeBytes) {
      for (let left = sizeBytes; left > 0; left -= scrap.byteLength) {
        if (!fillFrom(scrap.subarray(0, Math.min(left, scrap.byteLength)), 0)) return false;
      }
      return true;
    },
    send(parts) {
      for (let rest = parts.filter((part) => part.byteLength > 0); rest.length > 0;) {
        let written = writevSync(descriptor, rest);
        rest = rest.flatMap((part) => {
          const done = Math.min(written, part.byteLength);
          written -= done;
          return done < part.byteLength ? [part.subarray(done)] : [];
        });
      }
    },
  };
}
