import { AtollError } from '@atoll/base/error';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Caller } from '../admit/admission-queue.js';
import type { VersionTarget } from '../swap/target.js';
import { versionLabels } from '../swap/target.js';

/** What admission needs to know of a call. */
export function callerOf(context: CallContext): Caller {
  return { deadlineMs: context.deadlineMs, signal: context.signal };
}

/** The version that an Open Inference request names, in decimal or by its label; undefined for the empty text. */
export function targetOf(text: string): VersionTarget {
  if (text === '') return undefined;
  if (/^[1-9]\d{0,18}$/.test(text)) return { version: BigInt(text) };
  const label = versionLabels.find((known) => known === text);
  if (label !== undefined) return { label };
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use version ${JSON.stringify(text.slice(0, 40))}: it is neither a number from 1 nor one of ${versionLabels.join(', ')}`,
  );
}
