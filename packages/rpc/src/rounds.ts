/*
 * Ends what waits too long: answers that callers do not take, streams on which nobody sends. What is still here after a whole
 * round is ended. Rounds are looked at together, because a timer for each call would cost more than the call's own bookkeeping.
 */

/** What waits, and is ended when it waits too long. */
export interface Rounds<T> {
  /** Its time begins, anew if it is here already. */
  add(item: T): void;
  /** It waits no more. */
  delete(item: T): void;
  stop(): void;
}

/** Ends an item that stays between one and two times `roundMs`. */
export function createRounds<T>(roundMs: number, end: (item: T) => void): Rounds<T> {
  let young = new Set<T>();
  let old = new Set<T>();
  const timer = setInterval(() => {
    const late = old;
    old = young;
    young = new Set();
    for (const item of late) end(item);
  }, roundMs).unref();
  return {
    add(item) {
      old.delete(item);
      young.add(item);
    },
    delete(item) {
      young.delete(item);
      old.delete(item);
    },
    stop: () => clearInterval(timer),
  };
}
