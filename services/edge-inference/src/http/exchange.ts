/** One request with what handlers need of it. */
import type { IncomingMessage } from 'node:http';
import { AtollError } from '@atoll/base/error';
import type { Caller, Scheduling } from '../admit/caller.js';
import type { Body } from './body.js';
import type { Route } from './routes.js';

/** What a request may be let in for: `use` of models, or `control` over which of them serve. */
export type Access = 'use' | 'control';

/** Whom a request comes from, when it is let in; UNAUTHENTICATED or PERMISSION_DENIED when it is not. */
export type Authorize = (request: IncomingMessage, access: Access) => { readonly client?: string };

/** See the head of the file. */
export interface Exchange {
  readonly route: Route;
  readonly request: IncomingMessage;
  /** Aborted when the caller went away before its answer. */
  readonly signal: AbortSignal;
  /** Read once, and refused when it has more than `mostBytes`; its room is given back when the answer is sent. */
  readonly body: (mostBytes?: number) => Promise<Body['bytes']>;
  /** Who asks; `scheduling` is what the request itself says of its turn. */
  readonly caller: (scheduling?: Scheduling) => Caller;
}

/** Longest name that a caller may give itself. */
const maxNameLength = 64;

/** How long the caller waits for its answer by its `atoll-timeout-ms` header; undefined = it does not say. */
export function timeoutOf({ headers }: IncomingMessage): number | undefined {
  const text = headers['atoll-timeout-ms'];
  if (text === undefined) return undefined;
  if (typeof text === 'string' && /^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use atoll-timeout-ms ${JSON.stringify(String(text).slice(0, 40))}: it is not a whole number from 1`,
  );
}

/**
 * What admission knows of a request: its host unless a token or certificate names it, its `atoll-client` header or connection,
 * the key that holds it to one version, and the trace that it belongs to.
 */
export function callerOf(
  request: IncomingMessage,
  known: Pick<Caller, 'signal' | 'deadlineMs'> & { readonly client: string | undefined },
  scheduling: Scheduling,
): Caller {
  const { headers, socket } = request;
  const { traceparent, tracestate } = headers;
  const [name, routeKey] = [headers['atoll-client'], headers['atoll-route-key']];
  return {
    deadlineMs: known.deadlineMs,
    signal: known.signal,
    client: known.client ?? socket.remoteAddress ?? '',
    flow: typeof name === 'string' ? name.slice(0, maxNameLength) : String(socket.remotePort ?? ''),
    ...scheduling,
    ...(typeof routeKey === 'string' ? { routeKey: routeKey.slice(0, maxNameLength) } : {}),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...(typeof traceparent === 'string' && typeof tracestate === 'string' ? { tracestate } : {}),
  };
}
