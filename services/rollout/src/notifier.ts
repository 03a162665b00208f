/** Wakes those who watch. A change between two waits is not lost: the wait names the last change that was seen. */
export interface Notifier {
  notify(): void;
  /** Number of the last change. */
  current(): number;
  /** Resolves once there was a change after number `seen`, or when `signal` aborts. */
  after(seen: number, signal: AbortSignal): Promise<void>;
}

/** A notifier that nobody has told anything yet. */
export function createNotifier(): Notifier {
  const waiting = new Set<() => void>();
  let number = 0;
  return {
    notify: () => {
      number += 1;
      for (const wake of waiting) wake();
    },
    current: () => number,
    after: (seen, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        if (number > seen || signal.aborted) return resolve();
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      }),
  };
}
