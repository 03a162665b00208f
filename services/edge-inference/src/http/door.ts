/*
 * Who may hold a connection when there are too many: one that never asked anything gives way to a new one, the oldest first, then
 * those that are idle between requests; while all are busy a new one is refused. So a stranger who only holds connections keeps
 * nobody out.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** See the head of the file. */
export interface Door {
  /** Ends connections that never asked anything; Node counts them among the busy ones. */
  endSilent(): void;
}

/** Bounds the connections of a server. */
export function keepDoor(server: Server, maxConnections: number): Door {
  /** By the other end, because a request over TLS knows another socket than the one that arrived. */
  const silent = new Map<string, Socket>();
  let open = 0;
  server.on('connection', (socket) => {
    if (open >= maxConnections) {
      const [oldest] = silent.values();
      if (oldest === undefined) {
        server.closeIdleConnections();
        socket.destroy();
        return;
      }
      oldest.destroy();
    }
    const peer = peerOf(socket);
    open++;
    silent.set(peer, socket);
    socket.once('close', () => {
      open--;
      if (silent.get(peer) === socket) silent.delete(peer);
    });
  });
  server.on('request', ({ socket }) => {
    if (silent.size > 0) silent.delete(peerOf(socket));
  });
  return {
    endSilent: () => {
      for (const socket of silent.values()) socket.destroy();
    },
  };
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
