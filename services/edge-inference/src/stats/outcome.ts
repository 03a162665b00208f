import type { ErrorCode } from '@atoll/base/error';

/** How a request ended, as replies, metrics and reports name it. */
export const outcomes = ['ok', 'invalid', 'deadline', 'cancelled', 'rejected', 'unavailable', 'error'] as const;

/** One of the outcomes. */
export type Outcome = (typeof outcomes)[number];

/** Outcomes that speak against the version: the caller did nothing wrong and the node had room. */
export const faultOfVersion: ReadonlySet<Outcome> = new Set<Outcome>(['unavailable', 'error']);

const byCode: Readonly<Record<ErrorCode, Outcome>> = {
  CANCELLED: 'cancelled',
  INVALID_ARGUMENT: 'invalid',
  DEADLINE_EXCEEDED: 'deadline',
  NOT_FOUND: 'invalid',
  ALREADY_EXISTS: 'invalid',
  PERMISSION_DENIED: 'invalid',
  UNAUTHENTICATED: 'invalid',
  RESOURCE_EXHAUSTED: 'rejected',
  FAILED_PRECONDITION: 'invalid',
  UNIMPLEMENTED: 'invalid',
  UNAVAILABLE: 'unavailable',
  DATA_LOSS: 'error',
  INTERNAL: 'error',
};

/**
 * The outcome of a request that failed with this code at this wall time. A caller that is gone is `cancelled`, or `deadline` when
 * its time had run out, whatever came out meanwhile.
 */
export function outcomeOf(
  code: ErrorCode,
  caller: { readonly signal: AbortSignal; readonly deadlineMs: number },
  nowMs: number,
): Outcome {
  if (!caller.signal.aborted) return byCode[code];
  return nowMs >= caller.deadlineMs ? 'deadline' : 'cancelled';
}
