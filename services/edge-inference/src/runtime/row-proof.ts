/*
 * Whether a row of parts may serve. Once a part was loaded again nothing is known of the whole any more: a device may be back
 * that computes wrongly, and a part alone has no golden cases. So the row serves again when all of it has answered what its
 * package says; where it does not, it stays off with the reason, and is tried again after longer and longer pauses.
 */
import { AtollError, reasonOf } from '@atoll/base/error';
import { machineMs } from './messages.js';
import { afterFailure, type Trust } from './trust.js';

/** See the head of the file. It holds until it is doubted. */
export interface RowProof {
  readonly holds: boolean;
  /** Why the last trial failed, until the next one goes well or a part is loaded again. */
  readonly fault: string | undefined;
  /** A part was loaded again. */
  doubt(): void;
  /** Something has changed with the parts; where the row is in doubt and all of them are there, it is tried. */
  look(): void;
  /** Waits until all parts are there and the row holds; UNAVAILABLE with the reason why not, CANCELLED when `signal` aborts. */
  whole(signal: AbortSignal): Promise<void>;
  /** The model is closed. */
  stop(): void;
}

/** The row, as its proof looks at it. */
export interface Row {
  readonly handle: string;
  /** True when every part is loaded. */
  isThere(): boolean;
  /** Why a part is not loaded at present, where that is known. */
  faultOfParts(): string | undefined;
  /** Has the row answer its golden cases; throws when it may not serve. */
  prove(): Promise<void>;
  /** Told of the end of each trial. */
  onTried(fault: string | undefined): void;
}

/** A row whose parts were just loaded and are looked at by whoever loads them. */
export function createRowProof(row: Row): RowProof {
  let doubts = 0;
  let proved = 0;
  let isTrying = false;
  let fault: string | undefined;
  let trust: Trust | undefined;
  /** Runs while the row is left alone. */
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const waiting = new Set<() => void>();

  const wake = (): void => {
    for (const one of waiting) one();
  };
  const isDue = (): boolean => !stopped && timer === undefined && proved < doubts && row.isThere();
  const proveOnce = async (): Promise<void> => {
    const from = doubts;
    try {
      await row.prove();
      if (from < doubts) return;
      proved = from;
      fault = undefined;
      trust = undefined;
    } catch (error) {
      // A part that went away meanwhile comes with a doubt of its own.
      if (stopped || from < doubts || !row.isThere()) return;
      fault = reasonOf(error);
      trust = afterFailure(trust, machineMs());
      timer = setTimeout(again, Math.max(0, trust.awayUntilMs - machineMs()));
      timer.unref();
    }
    row.onTried(fault);
  };
  const tryIt = async (): Promise<void> => {
    if (isTrying || !isDue()) return;
    isTrying = true;
    while (isDue()) await proveOnce();
    isTrying = false;
    wake();
  };
  const look = (): void => {
    wake();
    void tryIt();
  };
  const unpause = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const again = (): void => {
    unpause();
    look();
  };
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      waiting.add(end);
      signal.addEventListener('abort', end, { once: true });
    });

  return {
    get holds() {
      return proved === doubts;
    },
    get fault() {
      return fault;
    },
    doubt() {
      doubts++;
      fault = undefined;
      trust = undefined;
      unpause();
    },
    look,
    async whole(signal) {
      while (!row.isThere() || proved < doubts) {
        if (signal.aborted) throw new AtollError('CANCELLED', 'cannot run: the caller went away');
        void tryIt();
        const why = row.faultOfParts() ?? (isTrying ? undefined : fault) ?? (stopped ? 'it is closed' : undefined);
        if (why !== undefined) throw new AtollError('UNAVAILABLE', `cannot run ${row.handle}: ${why}`);
        await change(signal);
      }
    },
    stop() {
      stopped = true;
      unpause();
      wake();
    },
  };
}
