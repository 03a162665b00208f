/** Starts a gRPC server the way every service of Atoll does: health, reflection, bounded streams, drain at the end. */
import { readFileSync } from 'node:fs';
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Authorize } from './authorize.js';
import type { BoundService } from './handlers.js';
import { createHealth } from './health.js';
import { commonOptions } from './limits.js';

/** What a server serves and where. */
export interface ServerOptions {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  readonly services: readonly BoundService[];
  readonly log: Logger;
  /** Asked before each call of `services`; health and reflection answer everybody. */
  readonly authorize?: Authorize;
  /** Streams that one connection may have open, default 1,000. */
  readonly maxConcurrentStreams?: number;
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
  // The library prints what it also reports as an error; one line is enough.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({ ...commonOptions, 'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? 1_000 });
  for (const service of options.services) {
    server.addService(service.definition as never, service.bind(options.log, options.authorize));
  }
  const health = createHealth();
  health.addTo(server);
  reflection().addToServer(server);
  const address = await bind(server, options.listen);
  let stopping: Promise<void> | undefined;
  return {
    address,
    setServing: (part, serving) => health.set(part, serving),
    stop: () => {
      health.stop();
      stopping ??= drain(server, options.drainMs ?? 10_000);
      return stopping;
    },
  };
}

function reflection(): ReflectionService {
  const descriptor = readFileSync(new URL(import.meta.resolve('@atoll/proto/descriptor.binpb')));
  return new ReflectionService(loadFileDescriptorSetFromBuffer(descriptor));
}

function bind(server: Server, listen: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) {
        const reason = /EADDRINUSE/.test(error.message) ? 'the address is in use' : reasonOf(error);
        reject(new AtollError('FAILED_PRECONDITION', `cannot listen on ${listen}: ${reason}`, { cause: error }));
      } else {
        resolve(listen.startsWith('unix:') ? listen : `${listen.slice(0, listen.lastIndexOf(':'))}:${port}`);
      }
    });
  });
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
