import { printable } from './printable.js';

/** The closed set of failure codes; packages/rpc maps each to one gRPC status, nothing else may. */
export const errorCodes = [
  'CANCELLED',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
  'UNAVAILABLE',
  'DATA_LOSS',
  'INTERNAL',
] as const;

/** One of the closed set of failure codes. */
export type ErrorCode = (typeof errorCodes)[number];

/** What an AtollError may carry beyond code and message: the cause is for the log, the detail for machines. */
export interface AtollErrorOptions {
  readonly cause?: unknown;
  readonly detail?: Readonly<Record<string, string>>;
}

/** Longer messages are cut: names in them may come from a file that means harm. */
const maxMessageLength = 2_000;

/**
 * The one error type. The message says what could not be done, with which value, and why after a colon
 * ("cannot read model.tflite: it ends at byte 512 of 2,048"); it may be shown to any caller, so it is one line of bounded
 * length whatever names are in it.
 */
export class AtollError extends Error {
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: AtollErrorOptions = {}) {
    super(bounded(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AtollError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

function bounded(message: string): string {
  const line = printable(message.slice(0, maxMessageLength));
  return message.length > maxMessageLength ? `${line}…` : line;
}

/** True for an AtollError, and for one of a given code when a code is named. */
export function isAtollError(value: unknown, code?: ErrorCode): value is AtollError {
  return value instanceof AtollError && (code === undefined || value.code === code);
}

/** The single door from any thrown value: an unknown error becomes INTERNAL with a fixed text, its cause kept for the log. */
export function toAtollError(thrown: unknown): AtollError {
  if (thrown instanceof AtollError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new AtollError('CANCELLED', 'the operation was cancelled', { cause: thrown });
  }
  return new AtollError('INTERNAL', 'an internal error occurred; the log of the service has its cause', {
    cause: thrown,
  });
}

/** The words of any thrown value, for joining to "cannot do X: ". */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name of a system error ("ENOENT"), or undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
