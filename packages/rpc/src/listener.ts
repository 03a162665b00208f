/*
 * The door of a server: TCP, Unix socket or TLS. It takes connections up to a bound, gives each to whoever speaks the protocol,
 * and ends those that only hold it (connections.ts). What it knows of a connection is found by its peer, host:port, because that
 * is what a call knows of the connection that it came by.
 */
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { type ConnectionLimits, overdue } from './connections.js';
import type { ServerTls } from './tls.js';

/** Where and how to listen. */
export interface ListenerOptions {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
  readonly tls: ServerTls | undefined;
  /** Takes a connection that is ready for the protocol. */
  readonly onConnection: (socket: Socket, peer: string) => void;
}

/** See the head of the file. */
export interface Listener {
  readonly address: string;
  /** Marks a call of this peer; the function that it gives is called at the call's end. */
  callBegins(peer: string): () => void;
  /** The name in the peer's client certificate, which was verified; undefined without one. */
  certificateOf(peer: string): string | undefined;
  /** Takes no new connections. */
  close(): void;
  /** Ends all that are left. */
  destroy(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly sinceMs: number;
  readonly certificate: string | undefined;
  lastCallMs: number | undefined;
  callsUnderWay: number;
}

const none = (): void => undefined;

/** Listens; FAILED_PRECONDITION with one line when the address cannot be had. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { limits, log, tls } = options;
  /** All sockets with their peers, oldest first. */
  const raw = new Map<Socket, string>();
  /** Those that speak the protocol, by peer. */
  const ready = new Map<string, Connection>();

  const peerOf = createPeerNames();

  const take = (socket: Socket): void => {
    const connection: Connection = {
      socket,
      sinceMs: performance.now(),
      certificate: tls === undefined ? undefined : nameOf(socket as TLSSocket),
      lastCallMs: undefined,
      callsUnderWay: 0,
    };
    const peer = peerOf(socket);
    ready.set(peer, connection);
    socket.once('close', () => {
      if (ready.get(peer) === connection) ready.delete(peer);
    });
    socket.on('error', none);
    options.onConnection(socket, peer);
  };
  /** Ends the connection that is wanted least; false when all have calls under way. */
  const makeRoom = (): boolean => {
    let least: Socket | undefined;
    let idleSinceMs = Infinity;
    for (const [socket, peer] of raw) {
      const connection = ready.get(peer);
      if ((connection?.callsUnderWay ?? 0) > 0) continue;
      // Those without a call yet come before all others, the oldest first.
      const sinceMs = connection?.lastCallMs ?? -Infinity;
      if (sinceMs >= idleSinceMs) continue;
      idleSinceMs = sinceMs;
      least = socket;
    }
    if (least === undefined) return false;
    raw.delete(least);
    least.destroy();
    return true;
  };
  const arrive = (socket: Socket): void => {
    if (raw.size >= limits.maxConnections && !makeRoom()) {
      log.warn('a connection was refused', { connections: raw.size });
      socket.destroy();
      return;
    }
    raw.set(socket, peerOf(socket));
    socket.once('close', () => raw.delete(socket));
    socket.setNoDelay(true);
  };

  const server: Server =
    tls === undefined
      ? createTcpServer((socket) => {
          arrive(socket);
          if (!socket.destroyed) take(socket);
        })
      : createTlsServer({
          ...tls.context(),
          ...tls.verify,
          ALPNProtocols: ['h2'],
          handshakeTimeout: limits.firstCallMs,
        });
  let unwatch = none;
  if (tls !== undefined) {
    const secure = server as ReturnType<typeof createTlsServer>;
    secure.on('connection', arrive);
    secure.on('secureConnection', take);
    secure.on('tlsClientError', (error, socket) => {
      log.debug('a TLS handshake failed', { peer: peerOf(socket), reason: reasonOf(error) });
      socket.destroy();
    });
    unwatch = tls.onChange(() => secure.setSecureContext(tls.context()));
  }

  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const [peer, connection] of ready) {
        const why = overdue({ ...connection, bytesRead: connection.socket.bytesRead }, now, limits);
        if (why === undefined) continue;
        log.debug('a connection is ended', { peer, why });
        connection.socket.destroy();
      }
    },
    Math.min(1_000, limits.firstCallMs / 2),
  );
  sweep.unref();

  const close = (): void => {
    server.close();
    unwatch();
    clearInterval(sweep);
  };
  try {
    await bind(server, options.listen);
  } catch (error) {
    close();
    throw error;
  }
  // For example when no file descriptor is left for a new connection.
  server.on('error', (error) => log.warn('a connection could not be taken', { reason: reasonOf(error) }));
  return {
    address: addressOf(options.listen, server),
    callBegins(peer) {
      const connection = ready.get(peer);
      if (connection === undefined) return none;
      connection.callsUnderWay++;
      connection.lastCallMs = performance.now();
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        connection.callsUnderWay--;
        connection.lastCallMs = performance.now();
      };
    },
    certificateOf: (peer) => ready.get(peer)?.certificate,
    close,
    destroy() {
      for (const socket of raw.keys()) socket.destroy();
    },
  };
}

/** Names the other end of a connection: host and port; a Unix socket has none, so its connections are counted. */
function createPeerNames(): (socket: Socket) => string {
  const counted = new WeakMap<Socket, string>();
  let count = 0;
  return (socket) => {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress !== undefined) return `${remoteAddress}:${remotePort}`;
    const name = counted.get(socket) ?? `local#${++count}`;
    counted.set(socket, name);
    return name;
  };
}

function nameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  // An empty object without a certificate, whatever the types say.
  const name = (subject as { CN?: string | string[] } | undefined)?.CN;
  return Array.isArray(name) ? name[0] : name;
}

function bind(server: Server, listen: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const reason = errnoOf(error) === 'EADDRINUSE' ? 'the address is in use' : reasonOf(error);
      reject(new AtollError('FAILED_PRECONDITION', `cannot listen on ${listen}: ${reason}`, { cause: error }));
    });
    const cut = listen.lastIndexOf(':');
    const port = Number(listen.slice(cut + 1));
    try {
      if (listen.startsWith('unix:')) server.listen(listen.slice('unix:'.length), resolve);
      else server.listen(port, listen.slice(0, cut).replace(/^\[(.*)\]$/, '$1'), resolve);
    } catch (error) {
      reject(new AtollError('FAILED_PRECONDITION', `cannot listen on ${listen}: ${reasonOf(error)}`, { cause: error }));
    }
  });
}

function addressOf(listen: string, server: Server): string {
  if (listen.startsWith('unix:')) return listen;
  return `${listen.slice(0, listen.lastIndexOf(':'))}:${(server.address() as AddressInfo).port}`;
}
