import { type Activity, activityOf, standsStill } from './standstill.js';
import { machineMs } from './messages.js';

/** Watches one run that was sent to a child, from the moment at which all that was sent before it is over. */
export interface RunWatch {
  /** On the clock of machineMs; undefined until begin(). */
  readonly beganMs: number | undefined;
  /** Why the child was ended in it; undefined when it was not. */
  readonly hung: string | undefined;
  /** It is the child's next or present one; again, or after end(), it does nothing. */
  begin(): void;
  end(): void;
}

/** Whom a watch looks at. */
export interface Watched {
  readonly pid: number;
  /** It computes on an accelerator, and sleeps meanwhile. */
  readonly onDevice: boolean;
  readonly kill: () => void;
}

/** From the beginning of a run to the first look at its process, and between two, milliseconds. */
const lookEveryMs = 100;

/** Ends the child once the run takes longer than `limitMs`, and before that when it stands still. */
export function watchRun(limitMs: number, { pid, onDevice, kill }: Watched): RunWatch {
  let beganMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let hung: string | undefined;
  let over = false;
  let seen: Activity | undefined;
  const end = (why: string): void => {
    hung = why;
    over = true;
    kill();
  };
  const look = (waitedMs: number): void => {
    if (over) return;
    if (waitedMs >= limitMs) return end(`it did not end within ${limitMs} ms`);
    const now = activityOf(pid);
    if (now !== undefined && standsStill(seen, now, onDevice)) return end(`its process stands still in it`);
    seen = now;
    wait(waitedMs, Math.min(lookEveryMs, limitMs - waitedMs));
  };
  // Timers come before input: where this process was held up itself, the answer may be there already.
  const wait = (waitedMs: number, ms: number): void => {
    timer = setTimeout(() => setImmediate(look, waitedMs + ms), ms);
  };
  return {
    get beganMs() {
      return beganMs;
    },
    get hung() {
      return hung;
    },
    begin() {
      if (over || beganMs !== undefined) return;
      beganMs = machineMs();
      wait(0, Math.min(lookEveryMs, limitMs));
    },
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}
