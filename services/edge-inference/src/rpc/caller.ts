import { AtollError } from '@atoll/base/error';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Caller } from '../admit/admission-queue.js';

/** What admission needs to know of a call. */
export function callerOf(context: CallContext): Caller {
  return { deadlineMs: context.deadlineMs, signal: context.signal };
}

/** The version that an Open Inference request names in decimal; undefined for the empty one. */
export function versionOf(text: string): bigint | undefined {
  if (text === '') return undefined;
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text);
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use version ${JSON.stringify(text.slice(0, 40))}: it is not a number from 1`,
  );
}
