/** One request with what handlers need of it. */
import type { IncomingMessage } from 'node:http';
import type { Caller, Scheduling } from '../admit/caller.js';
import { schedulingOf } from '../admit/caller.js';
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
  /** Read once; its room is given back when the answer is sent. */
  readonly body: () => Promise<Body['bytes']>;
  /** Who asks; `scheduling` is what the request itself says of its turn. */
  readonly caller: (scheduling?: Scheduling) => Caller;
}

/** Longest name that a caller may give itself. */
const maxNameLength = 64;

/**
 * What admission knows of a request: its host unless a token or certificate names it, its `atoll-client` header or connection,
 * `atoll-timeout-ms` as its deadline, and the trace that it belongs to.
 */
export function callerOf(
  request: IncomingMessage,
  signal: AbortSignal,
  client: string | undefined,
  nowMs: number,
  scheduling: Scheduling,
): Caller {
  const { headers, socket } = request;
  const { traceparent, tracestate } = headers;
  const [name, timeout, routeKey] = [headers['atoll-client'], headers['atoll-timeout-ms'], headers['atoll-route-key']];
  const { timeoutMs } = schedulingOf(undefined, timeout === undefined ? undefined : Number(timeout) * 1_000);
  return {
    deadlineMs: timeoutMs === undefined ? Infinity : nowMs + timeoutMs,
    signal,
    client: client ?? socket.remoteAddress ?? '',
    flow: typeof name === 'string' ? name.slice(0, maxNameLength) : String(socket.remotePort ?? ''),
    ...scheduling,
    ...(typeof routeKey === 'string' ? { routeKey: routeKey.slice(0, maxNameLength) } : {}),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...(typeof tracestate === 'string' ? { tracestate } : {}),
  };
}
