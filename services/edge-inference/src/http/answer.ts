/** What goes back over HTTP, and the one table from Atoll's error codes to HTTP's statuses. */
import type { ErrorCode } from '@atoll/base/error';
import { AtollError, toAtollError } from '@atoll/base/error';

/** A whole answer; its parts follow each other in the body. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: readonly Uint8Array[];
}

/** An answer of JSON text. */
export function jsonAnswer(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  return textAnswer(status, JSON.stringify(value), 'application/json', headers);
}

/** An answer of text. */
export function textAnswer(status: number, text: string, contentType: string, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'content-type': contentType, ...headers }, body: [Buffer.from(text)] };
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  // Nobody is there to read it; the number is nginx's.
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** A fault of the request as HTTP has words for: 405, 413, 415. */
export function httpFault(
  status: 405 | 413 | 415,
  message: string,
  detail: Readonly<Record<string, string>> = {},
): AtollError {
  return new AtollError('INVALID_ARGUMENT', message, { detail: { ...detail, httpStatus: String(status) } });
}

/** How long a caller that is turned away should wait when nobody knows better. */
const defaultRetryMs = 1_000;

/** `{"error": text}` as the Open Inference Protocol has it; a caller that may come again is told when. */
export function errorAnswer(thrown: unknown): Answer {
  const error = toAtollError(thrown);
  const { httpStatus, retryAfterMs, allow } = error.detail;
  const status = httpStatus === undefined ? statuses[error.code] : Number(httpStatus);
  const headers: Record<string, string | number> = allow === undefined ? {} : { allow };
  if (status === 429 || status === 503) {
    const waitMs = Number(retryAfterMs ?? defaultRetryMs) || defaultRetryMs;
    headers['retry-after'] = Math.ceil(waitMs / 1_000);
    headers['retry-after-ms'] = Math.ceil(waitMs);
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 415) headers['accept-encoding'] = 'gzip, deflate';
  return jsonAnswer(status, { error: error.message }, headers);
}
