/*
 * HTTP/2 on the connections that a listener hands over: finds the method of each stream, keeps watch over dead peers, and at the
 * end says goodbye to every peer and waits for the calls under way.
 */
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Logger } from '@atoll/base/log';
import type { Authorize } from './authorize.js';
import { type AnsweredCall, answerCall, refuseCall, type Silent } from './call.js';
import type { BoundMethod } from './handlers.js';
import { keepalive, maxSessionMegabytes } from './limits.js';
import { MessagePool } from './message-pool.js';
import { createRoom, type Room } from './room.js';
import { createRounds } from './rounds.js';

/** A method as a server offers it. */
export interface OfferedMethod {
  readonly bound: BoundMethod;
  readonly authorize: Authorize | undefined;
}

/** What the connections of a server speak of. */
export interface SessionsOptions {
  /** By path. */
  readonly methods: ReadonlyMap<string, OfferedMethod>;
  readonly log: Logger;
  readonly maxConcurrentStreams: number;
  /** Marks a call of this peer; the function that it gives is called at the call's end. */
  readonly callBegins: (peer: string) => () => void;
  /** How long a caller has to take a message of an answer, or up to twice. */
  readonly untakenMs: number;
  /** How long a stream of requests stays without a message of either side, or up to twice. */
  readonly silentMs: number;
  /** What messages that are on their way or at work may take: of one connection, and of all. */
  readonly maxMessagesBytes: { readonly connection: number; readonly server: number };
}

/** See the head of the file. */
export interface Sessions {
  /** Takes over a connection in plain text, or one that TLS has been taken off. */
  accept(socket: Socket, peer: string): void;
  /** Takes no new calls, lets those under way finish within the time, then ends what is left. */
  drain(graceMs: number): Promise<void>;
}

interface Peer {
  readonly name: string;
  readonly room: Room;
  /** Calls that it gave up. */
  resets: number;
}

/** A picture of a small model fits without waiting for the server to ask for more. */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 4 * 1024 * 1024;
const frameBytes = 64 * 1024;

/**
 * nghttp2 answers 1,000 resets by the client (and 33 a second from then on) by ending the connection with an error, a guard
 * against floods of them. Callers with short deadlines reset honestly, and are asked to make a new connection long before.
 */
const resetsPerConnection = 100;
const deadlineExceeded = '4';

/** With no connection yet. */
export function createSessions({
  methods,
  log,
  maxConcurrentStreams,
  callBegins,
  untakenMs,
  silentMs,
  maxMessagesBytes,
}: SessionsOptions): Sessions {
  const peers = new Map<ServerHttp2Session, Peer>();
  const allRoom = createRoom(maxMessagesBytes.server);
  const pool = new MessagePool();
  const untaken = createRounds<ServerHttp2Stream>(untakenMs, (stream) => stream.close(constants.NGHTTP2_CANCEL));
  const silent = createRounds<Silent>(silentMs, (call) => call.endSilent());
  let arriving = 'unknown';
  let draining = false;
  let wake: (() => void) | undefined;

  const server = createServer({
    maxSessionMemory: maxSessionMegabytes,
    settings: { maxConcurrentStreams, initialWindowSize: streamWindowBytes, maxFrameSize: frameBytes },
  });
  server.on('sessionError', (error) => log.debug('a connection failed', { error }));
  server.on('session', (session) => {
    peers.set(session, { name: arriving, room: createRoom(maxMessagesBytes.connection, allRoom), resets: 0 });
    session.setLocalWindowSize(connectionWindowBytes);
    const unwatch = watch(session);
    session.once('close', () => {
      unwatch();
      peers.delete(session);
      if (peers.size === 0) wake?.();
    });
    if (draining) session.close();
  });
  server.on('stream', (stream, headers) => {
    const session = stream.session as ServerHttp2Session | undefined;
    const known = session === undefined ? undefined : peers.get(session);
    const peer = known ?? { name: 'unknown', room: allRoom, resets: 0 };
    stream.on('error', (error) => log.debug('a stream failed', { peer: peer.name, error }));
    const call = answer(stream, headers, peer);
    stream.on('close', () => {
      call?.closed();
      // It is asked in time for a new connection (GOAWAY); calls under way finish on this one.
      if (wasGivenUp(stream) && ++peer.resets === resetsPerConnection) session?.close();
    });
  });

  const answer = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { name: peer, room }: Peer,
  ): AnsweredCall | undefined => {
    if (stream.closed) return undefined;
    const path = headers[':path'] ?? '';
    if (headers[':method'] !== 'POST' || !/^application\/grpc($|[+;])/i.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': headers[':method'] === 'POST' ? 415 : 405 }, { endStream: true });
      stream.close(constants.NGHTTP2_NO_ERROR);
      return undefined;
    }
    const offered = methods.get(path);
    if (offered === undefined) {
      refuseCall(stream, 12, `The server does not implement the method ${path.slice(0, 200)}`);
      return undefined;
    }
    const { bound, authorize } = offered;
    return answerCall(stream, headers, bound, { peer, log, authorize, pool, callBegins, room, untaken, silent });
  };

  const stopRounds = (): void => {
    untaken.stop();
    silent.stop();
  };

  return {
    accept(socket, peer) {
      arriving = peer;
      server.emit('connection', socket); // Makes the session at once.
    },
    async drain(graceMs) {
      draining = true;
      const ended = new Promise<void>((resolve) => (wake = resolve));
      if (peers.size === 0) return stopRounds();
      for (const session of peers.keys()) session.close();
      const timer = setTimeout(() => {
        for (const session of peers.keys()) session.destroy();
      }, graceMs);
      await ended;
      clearTimeout(timer);
      stopRounds();
    },
  };
}

/** Ends a connection whose peer does not answer any more. */
function watch(session: ServerHttp2Session): () => void {
  let late: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (late !== undefined || session.destroyed) return;
    late = setTimeout(() => session.destroy(), keepalive.timeoutMs).unref();
    session.ping(() => {
      clearTimeout(late);
      late = undefined;
    });
  }, keepalive.everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearTimeout(late);
  };
}

/** What was answered at its deadline is reset by its caller, whose deadline it was, once it is closed here. */
function wasGivenUp({ rstCode, sentHeaders }: ServerHttp2Stream): boolean {
  return rstCode !== 0 || sentHeaders?.['grpc-status'] === deadlineExceeded;
}
