/*
 * The HTTP side of a node: the Open Inference Protocol over REST, photos, health and metrics. What a stranger sends never ends
 * the node and never holds it: headers and bodies have to come within their time and size, connections are counted, and every
 * failure is an answer.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as SecureServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AtollError, errnoOf, reasonOf, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ServerTls } from '@atoll/rpc/tls';
import type { Answer } from './answer.js';
import { errorAnswer, httpFault } from './answer.js';
import type { Body, BodyLimits } from './body.js';
import { checkDeclaredLength, readBody } from './body.js';
import { compressed } from './compress.js';
import { keepDoor } from './door.js';
import type { Access, Authorize, Exchange } from './exchange.js';
import { callerOf, timeoutOf } from './exchange.js';
import type { Handlers } from './handlers.js';
import type { Route, RouteKind } from './routes.js';
import { isRoute, routeOf } from './routes.js';

/** What the HTTP side holds strangers to. */
export interface HttpLimits {
  /** Of one body, as sent and as unfolded. */
  readonly maxBodyBytes: number;
  /** Of all bodies together. */
  readonly maxBodiesBytes: number;
  readonly maxConnections: number;
  /** From the connection, or the answer before, until the headers are complete. */
  readonly headersTimeoutMs: number;
  /** Until the request is complete. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  /** How long an answer may lie untaken. */
  readonly stalledMs: number;
}

/** How and for whom the HTTP side listens. */
export interface HttpOptions {
  /** host:port, port 0 = any free one. */
  readonly listen: string;
  readonly handlers: Handlers;
  readonly limits: HttpLimits;
  readonly log: Logger;
  /** How long stop() lets requests finish. */
  readonly drainMs: number;
  /** HTTPS, and with `verify` only for those who have a certificate. */
  readonly tls?: ServerTls;
  /** Undefined lets everybody in. Health and metrics are for everybody in any case. */
  readonly authorize?: Authorize;
}

/** The HTTP side of a node. */
export interface HttpSide {
  /** host:port with the real port. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Limits for a node whose bodies may have this many bytes. */
export function defaultHttpLimits(maxBodyBytes: number): HttpLimits {
  return {
    maxBodyBytes,
    maxBodiesBytes: 8 * maxBodyBytes,
    maxConnections: 1_024,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    keepAliveMs: 75_000,
    stalledMs: 30_000,
  };
}

/** Listens; FAILED_PRECONDITION with one line when the address cannot be had. */
export async function startHttp(options: HttpOptions): Promise<HttpSide> {
  const { listen, limits, log } = options;
  let stopping = false;
  const server = listening(options, () => stopping);
  const door = keepDoor(server, limits.maxConnections);
  server.headersTimeout = limits.headersTimeoutMs;
  server.requestTimeout = limits.requestTimeoutMs;
  server.keepAliveTimeout = limits.keepAliveMs;
  const cut = listen.lastIndexOf(':');
  const [host, port] = [listen.slice(0, cut), Number(listen.slice(cut + 1))];
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const reason = errnoOf(error) === 'EADDRINUSE' ? 'the address is in use' : reasonOf(error);
      reject(new AtollError('FAILED_PRECONDITION', `cannot listen on ${listen}: ${reason}`, { cause: error }));
    });
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
  // For example when no file descriptor is left for a new connection.
  server.on('error', (error) => log.warn('a connection could not be taken', { error }));
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        stopping = true;
        const timer = setTimeout(() => server.closeAllConnections(), options.drainMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
        door.endSilent();
      }),
  };
}

function listening(options: HttpOptions, isStopping: () => boolean): Server {
  const { limits, tls } = options;
  const bodies: BodyLimits = {
    maxBytes: limits.maxBodyBytes,
    room: { limitBytes: limits.maxBodiesBytes, usedBytes: 0 },
  };
  const listener: RequestListener = (request, response) => {
    // `serve` answers every failure; what it still throws is of the connection.
    serve(options, bodies, request, response, isStopping).catch((error: unknown) => {
      options.log.debug('an answer could not be sent', { error });
      request.destroy();
    });
  };
  const timing = { connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs) };
  const server =
    tls === undefined
      ? createServer(timing, listener)
      : secure(tls, { ...timing, handshakeTimeout: limits.headersTimeoutMs }, listener);
  // A sender that asks before it sends is refused before it sends.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    try {
      checkDeclaredLength(request, limits.maxBodyBytes);
      response.writeContinue();
    } catch {
      // The listener meets the same fault and answers it.
    }
    listener(request, response);
  });
  return server;
}

/** New files of certificates count for new connections. */
function secure(tls: ServerTls, timing: SecureServerOptions, listener: RequestListener): Server {
  const server = createTlsServer({ ...timing, ...tls.context(), ...tls.verify }, listener);
  const unwatch = tls.onChange(() => server.setSecureContext(tls.context()));
  return server.once('close', unwatch);
}

async function serve(
  options: HttpOptions,
  bodies: BodyLimits,
  request: IncomingMessage,
  response: ServerResponse,
  isStopping: () => boolean,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  let held: Body | undefined;
  let over = false;
  let late: Late | undefined;
  try {
    let answer: Answer;
    try {
      const route = routed(request);
      const access = accessOf(route.kind);
      if (access === 'control') refusePages(request);
      const client = access === undefined ? undefined : options.authorize?.(request, access).client;
      const timeoutMs = timeoutOf(request);
      if (timeoutMs !== undefined) late = lateAfter(timeoutMs, gone);
      const known = { signal: gone.signal, client, deadlineMs: Date.now() + (timeoutMs ?? Infinity) };
      const exchange: Exchange = {
        route,
        request,
        signal: gone.signal,
        body: async (mostBytes = bodies.maxBytes) => {
          const body = await readBody(request, { ...bodies, maxBytes: Math.min(mostBytes, bodies.maxBytes) });
          if (!over) return (held = body).bytes;
          body.release();
          throw new AtollError('CANCELLED', 'cannot use the body: its request is answered already');
        },
        caller: (scheduling = { priority: 0 }) => callerOf(request, known, scheduling),
      };
      const answering = options.handlers[route.kind](exchange);
      answer = await (late === undefined ? answering : Promise.race([answering, late.passed]));
    } catch (error) {
      const known = toAtollError(error);
      if (known.code === 'INTERNAL') {
        options.log.error('a request failed inside', { path: request.url?.slice(0, 200), error: known.cause ?? known });
      }
      answer = errorAnswer(known);
    }
    const accept = request.headers['accept-encoding'];
    send(response, accept === undefined ? answer : await compressed(answer, accept), isStopping(), options.limits);
    discardRest(request, options.limits.maxBodyBytes);
  } finally {
    over = true;
    late?.stop();
    held?.release();
  }
}

interface Late {
  /** Rejects when the time is over. */
  readonly passed: Promise<never>;
  stop(): void;
}

/** Lets go of what is done for a caller whose time is over, wherever it has come to. */
function lateAfter(timeoutMs: number, gone: AbortController): Late {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new AtollError('DEADLINE_EXCEEDED', `cannot answer: it took longer than the ${timeoutMs} ms of the caller`),
      );
      gone.abort();
    }, timeoutMs);
  });
  return { passed, stop: () => clearTimeout(timer) };
}

function routed(request: IncomingMessage): Route {
  const { method = '', url = '' } = request;
  const route = routeOf(method, url);
  if (isRoute(route)) return route;
  const shown = JSON.stringify(`${method} ${url}`.slice(0, 200));
  if (route.kind === 'method') {
    throw httpFault(405, `cannot answer ${shown}: this address takes ${route.allow}`, { allow: route.allow });
  }
  throw route.kind === 'bad'
    ? new AtollError('INVALID_ARGUMENT', `cannot answer ${shown}: its address cannot be decoded`)
    : new AtollError('NOT_FOUND', `cannot answer ${shown}: there is nothing at this address`);
}

const forEverybody: ReadonlySet<RouteKind> = new Set(['healthz', 'readyz', 'metrics', 'live', 'ready', 'model-ready']);
const controlling: ReadonlySet<RouteKind> = new Set(['load', 'unload']);

/** Any page that a browser on this machine shows could otherwise change what serves: its requests carry the page's origin. */
function refusePages({ headers: { origin } }: IncomingMessage): void {
  if (origin === undefined) return;
  throw new AtollError('PERMISSION_DENIED', `cannot let ${JSON.stringify(origin.slice(0, 100))} change what serves`);
}

function accessOf(kind: RouteKind): Access | undefined {
  if (forEverybody.has(kind)) return undefined;
  return controlling.has(kind) ? 'control' : 'use';
}

function send(response: ServerResponse, { status, headers, body }: Answer, last: boolean, limits: HttpLimits): void {
  if (response.destroyed) return;
  const sizeBytes = body.reduce((sum, part) => sum + part.byteLength, 0);
  response.writeHead(status, { ...headers, 'content-length': sizeBytes, ...(last ? { connection: 'close' } : {}) });
  // Parts of one turn of the event loop leave together, so nothing is copied to join them.
  for (const part of body.slice(0, -1)) response.write(part);
  response.end(body.at(-1));
  // A caller that does not take its answer is let go; once it did, the server's own timer for idle connections takes over.
  response.socket?.setTimeout(limits.stalledMs);
}

/** Whoever was answered before the end of its body may see the answer, and then send no more than another body's worth. */
function discardRest(request: IncomingMessage, maxBytes: number): void {
  if (request.complete) return;
  let discardedBytes = 0;
  request.on('data', (chunk: Buffer) => {
    discardedBytes += chunk.byteLength;
    if (discardedBytes > maxBytes) request.destroy();
  });
  request.resume();
}
