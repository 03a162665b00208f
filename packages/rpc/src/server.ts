/** Starts a gRPC server the way every service of Atoll does: health, reflection, bounded streams, drain at the end. */
import type { Logger } from '@atoll/base/log';
import type { Authorize } from './authorize.js';
import { type ConnectionLimits, defaultConnectionLimits } from './connections.js';
import type { BoundService } from './handlers.js';
import { createHealth } from './health.js';
import { type Listener, startListener } from './listener.js';
import { maxMessagesBytes, silentMs, untakenMs } from './limits.js';
import { reflection } from './reflection.js';
import { createSessions, type OfferedMethod, type Sessions } from './sessions.js';
import type { ServerTls } from './tls.js';

/** What a server serves and where. */
export interface ServerOptions {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  readonly services: readonly BoundService[];
  readonly log: Logger;
  /** Asked before each call of `services`; health and reflection answer everybody. */
  readonly authorize?: Authorize;
  /** TLS instead of plain text, with `verify` only for clients that have a certificate. */
  readonly tls?: ServerTls;
  /** What connections may hold; default defaultConnectionLimits. */
  readonly connections?: Partial<ConnectionLimits>;
  /** Streams that one connection may have open, default 1,000. */
  readonly maxConcurrentStreams?: number;
  /** How long a caller has to take a message of an answer, or up to twice; default 60,000 ms. */
  readonly untakenMs?: number;
  /** How long a stream of requests stays without a message of either side, or up to twice; default 600,000 ms. */
  readonly silentMs?: number;
  /** What messages that are on their way or at work may take, default maxMessagesBytes. */
  readonly maxMessagesBytes?: { readonly connection: number; readonly server: number };
  /** How long stop() lets calls finish before it cuts them, default 10,000 ms. */
  readonly drainMs?: number;
}

/** A running server. */
export interface RunningServer {
  /** Where it listens: host:port with the real port, or unix:PATH. */
  readonly address: string;
  /** grpc.health.v1 status of a named part ("" = the whole server); undefined = there is no such part. */
  setServing(part: string, serving: boolean | undefined): void;
  /** Says NOT_SERVING, takes no new calls, lets those under way finish within drainMs. */
  stop(): Promise<void>;
}

/** Binds and starts; FAILED_PRECONDITION with one line when the address cannot be had. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log, services } = options;
  const methods = new Map<string, OfferedMethod>();
  const sessions = createSessions({
    methods,
    log,
    maxConcurrentStreams: options.maxConcurrentStreams ?? 1_000,
    callBegins: (peer) => listener.callBegins(peer),
    untakenMs: options.untakenMs ?? untakenMs,
    silentMs: options.silentMs ?? silentMs,
    maxMessagesBytes: options.maxMessagesBytes ?? maxMessagesBytes,
  });
  const listener = await startListener({
    listen: options.listen,
    limits: { ...defaultConnectionLimits, ...options.connections },
    log,
    tls: options.tls,
    onConnection: (socket, peer) => sessions.accept(socket, peer),
  });
  const offer = (service: BoundService, authorize: Authorize | undefined): void => {
    for (const bound of service.methods) methods.set(bound.method.path, { bound, authorize });
  };
  const authorize = authorizing(options, listener);
  for (const service of services) offer(service, authorize);
  const health = createHealth();
  for (const service of [health.service, ...reflection([...services, health.service])]) offer(service, undefined);
  let stopping: Promise<void> | undefined;
  return {
    address: listener.address,
    setServing: (part, serving) => health.set(part, serving),
    stop: () => {
      health.stop();
      stopping ??= drain(sessions, listener, options.drainMs ?? 10_000);
      return stopping;
    },
  };
}

/** Who calls: the token's name, else that of the client's certificate; nobody is asked for where neither can be. */
function authorizing({ authorize, tls }: ServerOptions, listener: Listener): Authorize | undefined {
  if (tls?.verify.requestCert !== true) return authorize;
  return (call) => authorize?.(call) ?? listener.certificateOf(call.peer);
}

async function drain(sessions: Sessions, listener: Listener, graceMs: number): Promise<void> {
  listener.close();
  await sessions.drain(graceMs);
  listener.destroy();
}
