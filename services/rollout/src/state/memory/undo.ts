/**
 * Transactions over things in memory: each write leaves the way to take it back, and a transaction that fails goes that way
 * from its end to its beginning. Power may be taken from it at a commit, which then is kept whole or lost whole; from then
 * on everything is refused, as by a process that is no more, until the power is back.
 */
import { AtollError } from '@atoll/base/error';

/** Writes that can be taken back. */
export interface UndoLog {
  /** Notes how to take back a write that is made now; INTERNAL outside a transaction, UNAVAILABLE without power. */
  wrote(takeBack: () => void): void;
  /** UNAVAILABLE without power. */
  check(): void;
  transaction<T>(work: () => T): T;
  /** Takes the power at the end of the next transaction that writes. */
  cutAtCommit(fate: 'kept' | 'lost'): void;
  /** Takes the power now; true when it was on. */
  cut(): boolean;
  restore(): void;
}

/** A log with nothing to take back. */
export function undoLog(): UndoLog {
  let open: (() => void)[] | undefined;
  let fate: 'kept' | 'lost' | undefined;
  let power = true;

  const check = (): void => {
    if (!power) throw new AtollError('UNAVAILABLE', 'cannot use the store: its power is cut');
  };
  const takeBack = (steps: readonly (() => void)[]): void => {
    for (const step of steps.toReversed()) step();
  };
  const commit = (steps: readonly (() => void)[]): void => {
    if (fate === undefined || steps.length === 0) return;
    if (fate === 'lost') takeBack(steps);
    fate = undefined;
    power = false;
    check();
  };

  return {
    wrote: (step) => {
      check();
      if (open === undefined) throw new AtollError('INTERNAL', 'cannot write outside a transaction');
      open.push(step);
    },
    check,
    transaction: (work) => {
      check();
      if (open !== undefined) throw new AtollError('INTERNAL', 'cannot begin a transaction within another');
      const steps: (() => void)[] = [];
      open = steps;
      let result;
      try {
        result = work();
      } catch (error) {
        takeBack(steps);
        throw error;
      } finally {
        open = undefined;
      }
      commit(steps);
      return result;
    },
    cutAtCommit: (next) => {
      fate = next;
    },
    cut: () => {
      const was = power;
      power = false;
      return was;
    },
    restore: () => {
      power = true;
      fate = undefined;
    },
  };
}

/** A map whose writes can be taken back. */
export class UndoMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #log: UndoLog;

  constructor(log: UndoLog) {
    this.#log = log;
  }

  get(key: K): V | undefined {
    this.#log.check();
    return this.#entries.get(key);
  }

  values(): V[] {
    this.#log.check();
    return [...this.#entries.values()];
  }

  set(key: K, value: V): void {
    const before = this.#entries.get(key);
    this.#log.wrote(() => {
      if (before === undefined) this.#entries.delete(key);
      else this.#entries.set(key, before);
    });
    this.#entries.set(key, value);
  }
}
