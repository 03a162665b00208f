import { machineMs } from './messages.js';

/** Watches one run that was sent to a child, from the moment at which all that was sent before it is over. */
export interface RunWatch {
  /** What the run may take. */
  readonly limitMs: number;
  /** On the clock of machineMs; undefined until begin(). */
  readonly beganMs: number | undefined;
  /** It took longer than it may, and the child was ended for it. */
  readonly hung: boolean;
  /** It is the child's next or present one; again, or after end(), it does nothing. */
  begin(): void;
  end(): void;
}

/** `kill` is called once the run takes longer than `limitMs`. */
export function watchRun(limitMs: number, kill: () => void): RunWatch {
  let beganMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let hung = false;
  let over = false;
  const late = (): void => {
    if (over) return;
    hung = true;
    kill();
  };
  return {
    limitMs,
    get beganMs() {
      return beganMs;
    },
    get hung() {
      return hung;
    },
    begin() {
      if (over || beganMs !== undefined) return;
      beganMs = machineMs();
      // Timers come before input: where this process was held up itself, the answer may be there already.
      timer = setTimeout(() => setImmediate(late), limitMs);
    },
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}
