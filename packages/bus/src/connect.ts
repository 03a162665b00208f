/** One connection to NATS that never gives up: it waits for a server, comes back after losing one, and tells of both. */
import { setTimeout as delay } from 'node:timers/promises';
import { AuthorizationError, connect, type NatsConnection, type Status } from '@nats-io/transport-node';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Credentials } from './credentials.js';

/** Where to connect and as whom. */
export interface BusOptions {
  /** One or more nats:// addresses. */
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** Prefix of reply subjects; a node's permissions name its own. */
  readonly inboxPrefix?: string;
  readonly log: Logger;
  /** Ends the wait for a first connection; an established bus is ended by close(). */
  readonly signal: AbortSignal;
}

/** A connection. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly log: Logger;
  /** Calls `listener` after each lost and regained connection; gives the way to stop that. */
  onReconnect(listener: () => void): () => void;
  /** Calls `listener` each time the connection is lost; gives the way to stop that. */
  onDisconnect(listener: () => void): () => void;
  /** Sends what is buffered, for a second at most, then disconnects. */
  close(): Promise<void>;
}

/**
 * Connects, trying again until it succeeds or `signal` aborts (CANCELLED). A login that the server refuses is
 * UNAUTHENTICATED at once. A server before 2.12 is used with a warning: everything here works on it, but it has known holes.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const connection = await firstConnection(options);
  warnOfOldServer(connection.info?.version ?? '', options.log);
  const listeners = { reconnect: new Set<() => void>(), disconnect: new Set<() => void>() };
  const watching = watch(connection, options.log, (what) => {
    for (const listener of listeners[what]) listener();
  });
  const listen = (what: keyof typeof listeners, listener: () => void): (() => void) => {
    listeners[what].add(listener);
    return () => void listeners[what].delete(listener);
  };
  return {
    connection,
    log: options.log,
    onReconnect: (listener) => listen('reconnect', listener),
    onDisconnect: (listener) => listen('disconnect', listener),
    close: async () => {
      for (const each of Object.values(listeners)) each.clear();
      // Without a server a flush waits for the next connection: nothing that was buffered is worth that at the end.
      await Promise.race([connection.flush().catch(() => undefined), delay(1_000, undefined, { ref: false })]);
      await connection.close();
      await watching;
    },
  };
}

async function firstConnection(options: BusOptions): Promise<NatsConnection> {
  const where = options.servers.join(', ');
  for (let attempt = 1; ; attempt++) {
    if (options.signal.aborted) throw cancelled(where);
    try {
      return await connect(connectionOptions(options));
    } catch (error) {
      if (error instanceof AuthorizationError) {
        throw new AtollError('UNAUTHENTICATED', `cannot log in to NATS at ${where}: the server does not know the key`, {
          cause: error,
        });
      }
      if (attempt % 20 === 1) options.log.warn('waiting for NATS', { servers: where, reason: reasonOf(error) });
    }
    try {
      await delay(250 + Math.random() * 750, undefined, { signal: options.signal });
    } catch {
      throw cancelled(where);
    }
  }
}

function connectionOptions({ servers, credentials, name, inboxPrefix }: BusOptions): Parameters<typeof connect>[0] {
  return {
    servers: [...servers],
    name,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    authenticator: (nonce) =>
      nonce === undefined
        ? { nkey: credentials.publicNkey, sig: '' }
        : { nkey: credentials.publicNkey, sig: credentials.sign(nonce).toString('base64url') },
    timeout: 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 1_000,
    reconnectJitterTLS: 1_000,
    pingInterval: 20_000,
    // A key that is gone from a reloaded configuration may come back with the next one.
    ignoreAuthErrorAbort: true,
  };
}

async function watch(
  connection: NatsConnection,
  log: Logger,
  tell: (what: 'reconnect' | 'disconnect') => void,
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'reconnect' || status.type === 'disconnect') tell(status.type);
    note(status, log);
  }
}

function note(status: Status, log: Logger): void {
  if (status.type === 'error') log.warn('NATS refused or lost something', { reason: reasonOf(status.error) });
  else if (status.type === 'slowConsumer') log.warn('a NATS subscription falls behind', { pending: status.pending });
  else if (status.type === 'disconnect') log.warn('disconnected from NATS', { server: status.server });
  else if (status.type === 'reconnect') log.info('connected to NATS again', { server: status.server });
}

function warnOfOldServer(version: string, log: Logger): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 2 || (major === 2 && minor >= 12)) return;
  log.warn(
    'the NATS server is older than 2.12: before 2.10.27 it is open to CVE-2025-30215, before 2.9.23 to CVE-2023-47090',
    {
      version,
    },
  );
}

function cancelled(where: string): AtollError {
  return new AtollError('CANCELLED', `cannot connect to NATS at ${where}: the wait was cancelled`);
}
