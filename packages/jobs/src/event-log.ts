/** An append-only list of events that any number of readers follow from any offset, live, until it is closed. */

/** One event with its place in the log. */
export interface Logged<E> {
  readonly offset: number;
  readonly timeUnixMs: number;
  readonly event: E;
}

/** The log of one job. */
export class EventLog<E> {
  readonly #entries: Logged<E>[] = [];
  readonly #waiting = new Set<() => void>();
  #closed = false;

  /** One greater than the newest offset. */
  get nextOffset(): number {
    return this.#entries.length;
  }

  /** Adds an event; a closed log takes none. */
  append(event: E, timeUnixMs: number): void {
    if (this.#closed) return;
    this.#entries.push({ offset: this.#entries.length, timeUnixMs, event });
    this.#wake();
  }

  /** No event follows; readers end once they have read all. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Yields events from `fromOffset` on, then live ones, until the log is closed or the signal aborts. */
  async *follow(fromOffset: number, signal: AbortSignal): AsyncGenerator<Logged<E>> {
    for (let next = fromOffset; ;) {
      for (let entry = this.#entries[next]; entry !== undefined; entry = this.#entries[next]) {
        yield entry;
        next++;
      }
      if (this.#closed || signal.aborted) return;
      await this.#change(signal);
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
