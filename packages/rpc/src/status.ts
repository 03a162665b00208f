/**
 * The one map between Atoll's error codes and gRPC status. Unknown errors become INTERNAL with a fixed text, so that
 * nothing of the inside leaks; their cause goes to the log of the server that met them.
 */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { AtollError, type ErrorCode, errorCodes, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';

/** gRPC's own limit for headers is 8 KiB; a longer message is cut. */
const maxMessageLength = 1024;

/** Name of an error's detail: whole milliseconds until the same call may succeed. */
const retryAfter = 'retryAfterMs';

/** The gRPC status of an Atoll code: the names are the same in both. */
export function statusOf(code: ErrorCode): status {
  return status[code];
}

/** A call's end on the wire. */
export interface WireStatus {
  readonly code: status;
  readonly details: string;
  /** Trailers. */
  readonly metadata?: Metadata;
}

/** What a handler's error is on the wire. Errors that are not AtollError are logged with their stack. */
export function toStatus(path: string, thrown: unknown, log: Logger): WireStatus {
  const error = toAtollError(thrown);
  if (error.code === 'INTERNAL') log.error('a call failed inside', { path, error: error.cause ?? error });
  const wire = { code: statusOf(error.code), details: error.message.slice(0, maxMessageLength) };
  const trailers = trailersOf(error);
  return trailers === undefined ? wire : { ...wire, metadata: Metadata.fromHttp2Headers(trailers) };
}

/** When to come again, from detail.retryAfterMs: for people and for clients that retry by themselves (gRFC A6). */
export function trailersOf(error: AtollError): Readonly<Record<string, string>> | undefined {
  const ms = error.detail[retryAfter];
  return ms === undefined ? undefined : { 'retry-after-ms': ms, 'grpc-retry-pushback-ms': ms };
}

/** What a call's failure is for the caller: the server's own words under Atoll's code. */
export function fromServiceError(error: ServiceError, address: string): AtollError {
  const code = errorCodes.find((candidate) => status[candidate] === error.code) ?? 'INTERNAL';
  const unreachable =
    code === 'UNAVAILABLE' && /^(No connection established|Connection dropped|Name resolution)/.test(error.details);
  const words = error.details || error.message;
  const message = unreachable
    ? `cannot reach ${address}: ${words}`
    : ofGrpc(words)
      ? `cannot ask ${address}: ${words}`
      : words;
  const ms = (error.metadata as Metadata | undefined)?.get('retry-after-ms')[0];
  return new AtollError(code, message, {
    cause: error,
    ...(ms === undefined ? {} : { detail: { [retryAfter]: String(ms) } }),
  });
}

/** True for what gRPC itself says of a peer that is another service, or none of gRPC; it names no address. */
function ofGrpc(words: string): boolean {
  return /^(The server does not implement|Received (HTTP status|RST_STREAM|message larger))/.test(words);
}
