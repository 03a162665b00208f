/*
 * Answers that callers do not take: a caller that asks and never reads would have the server keep what it asked for, for as long as
 * the connection lives. A stream that is still here after a whole round is reset. Rounds are looked at together, because a timer
 * for each call would cost more than the call's own bookkeeping.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';

/** Streams whose answers wait for their callers. */
export interface Untaken {
  add(stream: ServerHttp2Stream): void;
  /** It was taken, or is over. */
  delete(stream: ServerHttp2Stream): void;
  stop(): void;
}

/** Resets a stream that stays between one and two times `roundMs`. */
export function watchUntaken(roundMs: number): Untaken {
  let young = new Set<ServerHttp2Stream>();
  let old = new Set<ServerHttp2Stream>();
  const timer = setInterval(() => {
    for (const stream of old) stream.close(constants.NGHTTP2_CANCEL);
    old = young;
    young = new Set();
  }, roundMs).unref();
  return {
    add: (stream) => void young.add(stream),
    delete: (stream) => void (young.delete(stream) || old.delete(stream)),
    stop: () => clearInterval(timer),
  };
}
