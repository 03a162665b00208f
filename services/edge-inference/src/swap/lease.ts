/*
 * References to one loaded version. A request holds a lease from its admission to its answer; the version is freed only when
 * it was retired and the last lease is back, so a request under way at a flip ends on the version on which it began.
 */

/** One reference; releasing it twice counts once. */
export interface Lease {
  release(): void;
}

/** The references of one version. */
export interface LeaseCounter {
  readonly held: number;
  /** A reference, or undefined when the version is retired. */
  acquire(): Lease | undefined;
  /** Gives no more references; settles when the last one is back. */
  retire(): Promise<void>;
}

/** A counter with no reference held. */
export function createLeaseCounter(): LeaseCounter {
  let held = 0;
  let retired = false;
  const waiters: (() => void)[] = [];
  return {
    get held() {
      return held;
    },
    acquire() {
      if (retired) return undefined;
      held++;
      let released = false;
      return {
        release() {
          if (released) return;
          released = true;
          held--;
          if (held === 0) for (const wake of waiters.splice(0)) wake();
        },
      };
    },
    async retire() {
      retired = true;
      if (held > 0) await new Promise<void>((resolve) => waiters.push(resolve));
    },
  };
}
