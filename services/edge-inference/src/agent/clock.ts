/**
 * What a node takes for now. Its wall clock may be anything: 1970 at a start without a battery, a day off, set while it runs. It
 * has two witnesses: the latest time that the director signed, which is in the past for sure, and the monotonic clock, which tells
 * how long ago that was heard at the least, and whether the wall clock was set since the start.
 *
 * Now is the latest of wall clock and proven time, so that nothing expired becomes valid when a clock is set back. A wall clock that
 * is behind the proven time, or was set by more than the tolerance, is suspect: then only a state signed later than all before is
 * taken, and it may tell which clock was right.
 */

/** The clocks of the machine. */
export interface ClockPorts {
  /** Milliseconds since the Unix epoch, as the machine has it. */
  wallMs(): number;
  /** Milliseconds, never going back. */
  monotonicMs(): number;
}

/** What the clocks say of a signed state: `late`, it is expired; `old`, the clock is suspect and the state is no newer than what proved so. */
export type TimeVerdict = 'ok' | 'late' | 'old';

/** A node's idea of time. */
export interface NodeClock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** How far the wall clock is from what it should be, milliseconds; 0 when it is not suspect. */
  offsetMs(): number;
  /** Judges a state whose signature is right; both in milliseconds since the Unix epoch. */
  judge(signedMs: number, expiresMs: number): TimeVerdict;
  /** A state signed then was taken up. */
  heard(signedMs: number): void;
}

/** A wall clock further off than this is suspect, milliseconds. */
export const clockToleranceMs = 5 * 60_000;

/** A clock of a process that starts now; `lastSignedMs` is the latest signed time that any process of this node has seen, 0 = none. */
export function createNodeClock(ports: ClockPorts, lastSignedMs: number): NodeClock {
  const wallMs = (): number => ports.wallMs();
  const monotonicMs = (): number => ports.monotonicMs();
  let signed = { ms: lastSignedMs, atMs: monotonicMs() };
  // What the wall clock would show if nobody had set it since.
  let steady = { ms: wallMs(), atMs: monotonicMs() };
  let steadyIsRight = false;

  const provenMs = (): number => (signed.ms === 0 ? 0 : signed.ms + monotonicMs() - signed.atMs);
  const steadyMs = (): number => steady.ms + monotonicMs() - steady.atMs;
  const isNear = (one: number, other: number): boolean => Math.abs(one - other) <= clockToleranceMs;
  const trustWall = (): void => {
    steady = { ms: wallMs(), atMs: monotonicMs() };
    steadyIsRight = false;
  };
  const offsetMs = (): number => {
    const wall = wallMs();
    const proven = provenMs();
    if (wall < proven - clockToleranceMs) return wall - proven;
    // A clock that was wrong before it was set says nothing against the one that it was set to.
    if (!isNear(wall, steadyMs()) && steadyMs() < proven - clockToleranceMs) trustWall();
    return isNear(wall, steadyMs()) ? 0 : wall - steadyMs();
  };

  return {
    offsetMs,
    nowMs: () => {
      const offset = offsetMs();
      return Math.max(offset > 0 && steadyIsRight ? steadyMs() : wallMs(), provenMs());
    },
    judge: (signedMs, expiresMs) => {
      const suspect = offsetMs() !== 0;
      if (suspect && signedMs <= signed.ms) return 'old';
      const proven = Math.max(provenMs(), signedMs);
      let now = wallMs();
      if (suspect && !isNear(signedMs, now))
        now = isNear(signedMs, steadyMs()) ? steadyMs() : Math.max(now, steadyMs());
      return Math.max(now, proven) > expiresMs ? 'late' : 'ok';
    },
    heard: (signedMs) => {
      const suspect = offsetMs() !== 0;
      if (suspect && isNear(signedMs, wallMs())) trustWall();
      else if (suspect && isNear(signedMs, steadyMs())) steadyIsRight = true;
      // What was heard before and the time since may prove more than a signature that was long under way.
      if (signedMs > provenMs()) signed = { ms: signedMs, atMs: monotonicMs() };
    },
  };
}
