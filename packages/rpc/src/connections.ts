/*
 * Which connections a server keeps. One that has made no call yet has to send its first one at a reasonable rate; one that made
 * calls may be idle for a while. When there is no room, whoever has been there longest without a call goes first, then whoever
 * has been idle longest; while all have calls under way a new one is refused. So thousands of half-open connections neither hold
 * the server nor keep anybody out, and nobody's call is cut for a newcomer.
 */

/** What strangers may hold. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Until the first call is complete, unless bytes come at `minBytesPerSecond`; the TLS handshake has to end within it too. */
  readonly firstCallMs: number;
  readonly minBytesPerSecond: number;
  /** Without a call under way. */
  readonly idleMs: number;
}

/** Limits of every server unless it says otherwise. */
export const defaultConnectionLimits: ConnectionLimits = {
  maxConnections: 1_024,
  firstCallMs: 10_000,
  minBytesPerSecond: 1_024,
  idleMs: 600_000,
};

/** What is known of one connection; times are of a clock that only rises. */
export interface ConnectionState {
  readonly sinceMs: number;
  /** When a call last began or ended; undefined before the first. */
  readonly lastCallMs: number | undefined;
  readonly callsUnderWay: number;
  readonly bytesRead: number;
}

/** Why a connection is to be ended now; undefined when it may stay. */
export function overdue(state: ConnectionState, nowMs: number, limits: ConnectionLimits): string | undefined {
  if (state.callsUnderWay > 0) return undefined;
  if (state.lastCallMs !== undefined)
    return nowMs - state.lastCallMs > limits.idleMs ? `it made no call for ${limits.idleMs} ms` : undefined;
  const ageMs = nowMs - state.sinceMs;
  const slow = state.bytesRead * 1_000 < limits.minBytesPerSecond * ageMs;
  return ageMs > limits.firstCallMs && slow ? `it made no call within ${limits.firstCallMs} ms` : undefined;
}
