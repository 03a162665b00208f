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
export function watchRun(limitMs: number, watched: Watched): RunWatch {
  return new Watch(limitMs, watched);
}

class Watch implements RunWatch {
  readonly #limitMs: number;
  readonly #watched: Watched;
  #beganMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hung: string | undefined;
  #over = false;
  #seen: Activity | undefined;

  constructor(limitMs: number, watched: Watched) {
    this.#limitMs = limitMs;
    this.#watched = watched;
  }

  get beganMs(): number | undefined {
    return this.#beganMs;
  }

  get hung(): string | undefined {
    return this.#hung;
  }

  begin(): void {
    if (this.#over || this.#beganMs !== undefined) return;
    this.#beganMs = machineMs();
    this.#wait(0, Math.min(lookEveryMs, this.#limitMs));
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** Timers come before input: where this process was held up itself, the answer may be there already. */
  #wait(waitedMs: number, ms: number): void {
    this.#timer = setTimeout(() => setImmediate(() => this.#look(waitedMs + ms)), ms);
  }

  #look(waitedMs: number): void {
    if (this.#over) return;
    if (waitedMs >= this.#limitMs) return this.#kill(`it did not end within ${this.#limitMs} ms`);
    const { pid, onDevice } = this.#watched;
    const now = activityOf(pid);
    if (now !== undefined && standsStill(this.#seen, now, onDevice))
      return this.#kill('its process stands still in it');
    this.#seen = now;
    this.#wait(waitedMs, Math.min(lookEveryMs, this.#limitMs - waitedMs));
  }

  #kill(why: string): void {
    this.#hung = why;
    this.#over = true;
    this.#watched.kill();
  }
}
