/*
 * One call on one HTTP/2 stream: reads its messages, runs its handler, writes the answer and the status. A unary call, which is
 * most of what a node answers, takes the direct way: its one message is cut out of the chunks that came, its answer is one write.
 * State: open -> over. Over is a call whose status was given, or whose stream was closed; only the second aborts the signal.
 */
import { once } from 'node:events';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Authorize } from './authorize.js';
import { metadataOf, percentEncoded, timeoutOf } from './call-headers.js';
import { checkFieldCount } from './field-count.js';
import type { BoundMethod, CallContext } from './handlers.js';
import { maxMessageBytes } from './limits.js';
import type { MessagePool } from './message-pool.js';
import { acceptedEncodings, MessageReader, type RawMessage, type Unpack, unpackerOf } from './message-reader.js';
import type { Room } from './room.js';
import type { Rounds } from './rounds.js';
import { malformed, toStatus, type WireStatus } from './status.js';

/** What a call is answered with. */
export interface CallBorder {
  readonly peer: string;
  readonly log: Logger;
  readonly authorize: Authorize | undefined;
  readonly pool: MessagePool;
  /** Marks that a handler begins; the function that it gives is called at the call's end. */
  readonly callBegins: (peer: string) => () => void;
  /** What messages that are on their way or at work may take, of all calls of the connection. */
  readonly room: Room;
  /** Holds the streams whose answers wait for their callers. */
  readonly untaken: Rounds<ServerHttp2Stream>;
  /** Holds the streams of requests, from one message of either side to the next. */
  readonly silent: Rounds<Silent>;
}

/** A call whose requests stream. */
export interface Silent {
  /** Neither side has sent a message for long. */
  endSilent(): void;
}

/** A call that was begun. */
export interface AnsweredCall {
  /** To be called when its stream is closed. */
  closed(): void;
}

const okHeaders = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': acceptedEncodings,
} as const;
const okTrailers = { 'grpc-status': '0', 'grpc-message': 'OK' } as const;
const prefixBytes = 5;
/** Longer answers are not copied behind their prefix. */
const shortBytes = 4_096;
/** Node's timers cannot wait longer. */
const longestTimerMs = 2 ** 31 - 1;
/** Messages that are on their way have come by then, or never will. */
const retryAfterMs = 1_000;

/** Answers a call of a method that is served. */
export function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  bound: BoundMethod,
  border: CallBorder,
): AnsweredCall {
  const call = new OpenCall(stream, headers, bound, border);
  call.begin();
  return call;
}

/** Answers a call that reaches no handler. */
export function refuseCall(stream: ServerHttp2Stream, code: number, details: string): void {
  stream.respond({ ...okHeaders, ...statusFields({ code, details }) }, { endStream: true });
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

class OpenCall implements AnsweredCall, Silent {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #bound: BoundMethod;
  readonly #border: CallBorder;
  readonly #controller = new AbortController();
  readonly #reader: MessageReader;
  #unpack: Unpack = ({ bytes }) => bytes;
  #deadlineMs = Infinity;
  #timer: NodeJS.Timeout | undefined;
  /** Tells that its handler has begun no longer. */
  #ends: (() => void) | undefined;
  #trailers: Readonly<Record<string, string>> = okTrailers;
  #over = false;
  #identity: string | undefined;
  /** Of the room. */
  #heldBytes = 0;
  #closed = false;
  /** Its one message is at work, which may go on for a moment after the stream was closed. */
  #atWork = false;
  /** Its handler gave what was answered. */
  #answered = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, bound: BoundMethod, border: CallBorder) {
    this.#stream = stream;
    this.#headers = headers;
    this.#bound = bound;
    this.#border = border;
    const { pool } = border;
    this.#reader = bound.requestsRecycled
      ? new MessageReader(bound.mostRequestBytes, (length) => pool.take(length))
      : new MessageReader(bound.mostRequestBytes);
  }

  begin(): void {
    const { method } = this.#bound;
    try {
      this.#readHeaders();
      // Before anything of its messages is kept.
      const { peer, authorize } = this.#border;
      this.#identity = authorize?.({ path: method.path, peer, authorization: this.#headers.authorization });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#stir();
    if (!method.requestStream) this.#readOne();
    else if (method.responseStream) this.#settle(this.#sendAll(this.#messages()));
    else this.#settle(this.#sendOne(this.#messages()));
  }

  closed(): void {
    clearTimeout(this.#timer);
    this.#border.untaken.delete(this.#stream);
    this.#border.silent.delete(this);
    this.#closed = true;
    if (!this.#atWork) this.#hold(0);
    this.#ends?.();
    if (this.#over) return;
    this.#over = true;
    this.#controller.abort();
  }

  #readHeaders(): void {
    const timeoutMs = timeoutOf(this.#headers['grpc-timeout']?.toString());
    if (timeoutMs !== Infinity) {
      this.#deadlineMs = Date.now() + timeoutMs;
      this.#timer = setTimeout(() => this.#expire(), Math.min(timeoutMs, longestTimerMs));
    }
    const encoding = this.#headers['grpc-encoding']?.toString() ?? 'identity';
    const unpack = unpackerOf(encoding, this.#bound.mostRequestBytes);
    if (unpack === undefined)
      throw new AtollError('UNIMPLEMENTED', `Received a request in an unknown encoding: ${encoding.slice(0, 40)}`);
    this.#unpack = unpack;
  }

  #expire(): void {
    if (this.#over) {
      // Its answer lies untaken, and nobody waits for it any more.
      this.#stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    this.#giveUp('Deadline exceeded');
  }

  endSilent(): void {
    if (!this.#over) this.#giveUp('cannot go on: neither side of the stream has sent a message for long');
  }

  #giveUp(why: string): void {
    this.#end(toStatus(this.#bound.method.path, new AtollError('DEADLINE_EXCEEDED', why), this.#border.log));
    this.#controller.abort();
  }

  /** A message came or goes. A stream of answers alone may be silent for as long as nothing happens that its caller watches for. */
  #stir(): void {
    if (this.#bound.method.requestStream && !this.#over) this.#border.silent.add(this);
  }

  /** The one message of a call whose requests do not stream. */
  #readOne(): void {
    let only: RawMessage | undefined;
    let count = 0;
    const take = (chunk: Buffer): void => {
      if (this.#over) return;
      try {
        for (const message of this.#reader.push(chunk)) {
          only = message;
          if (++count > 1) throw new AtollError('UNIMPLEMENTED', 'Received more than one request message');
        }
        this.#hold(this.#reader.pendingBytes + (only?.bytes.length ?? 0));
      } catch (error) {
        this.#fail(error);
      }
    };
    this.#stream.on('data', take);
    this.#stream.on('end', () => {
      if (this.#over || this.#stream.aborted) return;
      if (only === undefined || !this.#reader.atEnd) {
        this.#fail(malformed('Received no whole request message'));
        return;
      }
      this.#settle(this.#handleOne(only));
    });
  }

  async #handleOne(message: RawMessage): Promise<void> {
    this.#atWork = true;
    try {
      const unpacked = this.#unpack(message, this.#holdMore);
      // Most messages are not packed, and answered without a turn in between.
      const bytes = Buffer.isBuffer(unpacked) ? unpacked : await unpacked;
      if (this.#over) return;
      this.#hold(bytes.length);
      const request = this.#parsed(bytes);
      if (this.#bound.method.responseStream) await this.#sendAll(request);
      else await this.#sendOne(request);
      if (this.#bound.requestsRecycled && this.#answered) this.#border.pool.giveBack(bytes);
    } finally {
      this.#atWork = false;
      this.#hold(0);
    }
  }

  /** The messages of a call whose requests stream, read when they are asked for. */
  async *#messages(): AsyncGenerator<unknown> {
    // Reading to the end, or not, must leave the stream open: the answers go out on it.
    for await (const chunk of this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const messages = this.#reader.push(chunk);
      this.#hold(this.#reader.pendingBytes);
      if (messages.length > 0) this.#stir();
      for (const message of messages) {
        const bytes = await this.#unpack(message, this.#holdMore);
        this.#hold(this.#reader.pendingBytes + bytes.length);
        yield this.#parsed(bytes);
      }
      this.#hold(this.#reader.pendingBytes);
    }
    if (this.#stream.aborted) throw new AtollError('CANCELLED', 'the caller went away');
    if (!this.#reader.atEnd) throw malformed('Received a message that is cut off');
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return;
    const more = bytes - this.#heldBytes;
    // Nobody would give it back.
    if (more > 0 && this.#closed && !this.#atWork) throw new AtollError('CANCELLED', 'the caller went away');
    if (!this.#border.room.take(more))
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        'cannot receive the message: too many others are on their way or at work',
        {
          detail: { retryAfterMs: String(retryAfterMs) },
        },
      );
    this.#heldBytes = bytes;
  }

  readonly #holdMore = (bytes: number): void => this.#hold(this.#heldBytes + bytes);

  #parsed(bytes: Buffer): unknown {
    try {
      checkFieldCount(bytes);
      return this.#bound.method.requestDeserialize(bytes);
    } catch (error) {
      if (error instanceof AtollError) throw error;
      throw malformed(`Error deserializing request: ${reasonOf(error)}`, error);
    }
  }

  #context(): CallContext {
    const { peer, callBegins } = this.#border;
    this.#ends = callBegins(peer);
    return {
      signal: this.#controller.signal,
      metadata: metadataOf(this.#headers),
      peer,
      identity: this.#identity,
      deadlineMs: this.#deadlineMs,
    };
  }

  async #sendOne(input: unknown): Promise<void> {
    const response = await this.#bound.handle(input, this.#context());
    if (this.#over) return;
    const [first, second] = this.#framed(response);
    this.#over = true;
    this.#answered = true;
    this.#open();
    if (second !== undefined) this.#stream.write(first);
    this.#stream.end(second ?? first);
    this.#border.untaken.add(this.#stream);
  }

  async #sendAll(input: unknown): Promise<void> {
    const { signal } = this.#controller;
    for await (const item of this.#bound.handle(input, this.#context()) as AsyncIterable<unknown>) {
      signal.throwIfAborted();
      this.#stir();
      if (!this.#stream.headersSent) this.#open();
      let roomy = true;
      for (const part of this.#framed(item)) if (part !== undefined) roomy = this.#stream.write(part);
      if (roomy) continue;
      this.#border.untaken.add(this.#stream);
      await once(this.#stream, 'drain', { signal });
      this.#border.untaken.delete(this.#stream);
    }
    this.#end({ code: 0, details: 'OK' });
  }

  #framed(response: unknown): readonly [first: Buffer, second?: Buffer] {
    const message = this.#bound.method.responseSerialize(response as never);
    if (message.length > maxMessageBytes)
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        `Attempted to send message with a size larger than the max (${message.length} vs ${maxMessageBytes})`,
      );
    const short = message.length <= shortBytes;
    const frame = Buffer.allocUnsafe(prefixBytes + (short ? message.length : 0));
    frame[0] = 0;
    frame.writeUInt32BE(message.length, 1);
    if (!short) return [frame, message];
    message.copy(frame, prefixBytes);
    return [frame];
  }

  #open(): void {
    this.#stream.on('wantTrailers', () => {
      this.#stream.sendTrailers(this.#trailers);
      // Later, or it goes out before the trailers do. Most callers have nothing more to send.
      if (!this.#stream.readableEnded) setImmediate(() => this.#stopCaller());
    });
    this.#stream.respond(okHeaders, { waitForTrailers: true });
  }

  #settle(work: Promise<void>): void {
    work.catch((error: unknown) => this.#fail(error));
  }

  /** What a handler throws after its call is over interests nobody: that was its reason to stop. */
  #fail(error: unknown): void {
    if (!this.#over) this.#end(toStatus(this.#bound.method.path, error, this.#border.log));
  }

  #end(status: WireStatus): void {
    if (this.#over) return;
    this.#border.silent.delete(this);
    if (this.#stream.closed) {
      // Its caller has reset it while messages of it lay unread, which keeps it from closing by itself.
      this.#stream.destroy();
      return;
    }
    this.#over = true;
    if (this.#stream.headersSent) {
      this.#trailers = statusFields(status);
      // Closed after its trailers: a stream that was closed before sends none, and cannot be reset any more.
      this.#stream.end();
      this.#border.untaken.add(this.#stream);
    } else {
      this.#stream.respond({ ...okHeaders, ...statusFields(status) }, { endStream: true });
      this.#stopCaller();
    }
  }

  /** A caller that still sends may stop. */
  #stopCaller(): void {
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function statusFields({ code, details, trailers }: WireStatus): Record<string, string> {
  return { ...trailers, 'grpc-status': String(code), 'grpc-message': percentEncoded(details) };
}
