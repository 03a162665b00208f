/**
 * The one map between Atoll's error codes and gRPC status. Unknown errors become INTERNAL with a fixed text, so that
 * nothing of the inside leaks; their cause goes to the log of the server that met them.
 */
import type { ServiceError } from '@grpc/grpc-js';
import { AtollError, type ErrorCode, errorCodes, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';

/** gRPC's own limit for headers is 8 KiB; a longer message is cut. */
const maxMessageLength = 1024;

/** Name of an error's detail: whole milliseconds until the same call may succeed. */
const retryAfter = 'retryAfterMs';

/** The numbers of gRPC (statuscodes.md); the names are the same in both. */
const numbers: Readonly<Record<ErrorCode, number>> = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

/** The gRPC status of an Atoll code. */
export function statusOf(code: ErrorCode): number {
  return numbers[code];
}

/** A call's end on the wire. */
export interface WireStatus {
  readonly code: number;
  readonly details: string;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** Name of an error's detail: it is a fault of what came, which gRPC calls INTERNAL all the same. */
const ofCaller = 'ofCaller';

/** What came does not keep to the protocol: INTERNAL for the caller, and no fault of this server for its log. */
export function malformed(message: string, cause?: unknown): AtollError {
  return new AtollError('INTERNAL', message, { cause, detail: { [ofCaller]: 'true' } });
}

/** What a handler's error is on the wire. Errors that are not AtollError are logged with their stack. */
export function toStatus(path: string, thrown: unknown, log: Logger): WireStatus {
  const error = toAtollError(thrown);
  if (error.detail[ofCaller] !== undefined) log.debug('a call is malformed', { path, reason: error.message });
  else if (error.code === 'INTERNAL') log.error('a call failed inside', { path, error: error.cause ?? error });
  const wire = { code: statusOf(error.code), details: error.message.slice(0, maxMessageLength) };
  const trailers = trailersOf(error);
  return trailers === undefined ? wire : { ...wire, trailers };
}

/** When to come again, from detail.retryAfterMs: for people and for clients that retry by themselves (gRFC A6). */
export function trailersOf(error: AtollError): Readonly<Record<string, string>> | undefined {
  const ms = error.detail[retryAfter];
  return ms === undefined ? undefined : { 'retry-after-ms': ms, 'grpc-retry-pushback-ms': ms };
}

/** What a call's failure is for the caller: the server's own words under Atoll's code. */
export function fromServiceError(error: ServiceError, address: string): AtollError {
  const code = errorCodes.find((candidate) => numbers[candidate] === error.code) ?? 'INTERNAL';
  const unreachable =
    code === 'UNAVAILABLE' && /^(No connection established|Connection dropped|Name resolution)/.test(error.details);
  const words = error.details || error.message;
  const message = unreachable
    ? `cannot reach ${address}: ${words}`
    : ofGrpc(words)
      ? `cannot ask ${address}: ${words}`
      : words;
  const ms = (error.metadata as ServiceError['metadata'] | undefined)?.get('retry-after-ms')[0];
  return new AtollError(code, message, {
    cause: error,
    ...(ms === undefined ? {} : { detail: { [retryAfter]: String(ms) } }),
  });
}

/** True for what gRPC itself says of a peer that is another service, or none of gRPC; it names no address. */
function ofGrpc(words: string): boolean {
  return /^(The server does not implement|Received (HTTP status|RST_STREAM|message larger))/.test(words);
}
