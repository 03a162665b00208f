import { AtollError } from '@atoll/base/error';

/** True from the millisecond after `expiresUnixMs` on. */
export function isExpired(expiresUnixMs: bigint, nowMs: number): boolean {
  return BigInt(Math.floor(nowMs)) > expiresUnixMs;
}

/** Refuses (FAILED_PRECONDITION) what is expired; `what` begins the message. */
export function checkExpiry(what: string, expiresUnixMs: bigint, nowMs: number): void {
  if (!isExpired(expiresUnixMs, nowMs)) return;
  throw new AtollError('FAILED_PRECONDITION', `cannot use ${what}: it expired at ${isoOf(expiresUnixMs)}`);
}

function isoOf(unixMs: bigint): string {
  const date = new Date(Number(unixMs));
  return Number.isNaN(date.getTime()) ? `${unixMs} ms` : date.toISOString();
}
