import { setTimeout as delay } from 'node:timers/promises';

/** How often and how patiently to try again: waits double from `firstDelayMs` to `maxDelayMs`, each spread by +-25 %. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly retryable: (error: unknown) => boolean;
}

/** Runs `task` until it succeeds, fails for good, or the attempts end; the last error is thrown as it is. */
export async function retry<T>(policy: RetryPolicy, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      if (attempt >= policy.attempts || !policy.retryable(error)) throw error;
      const base = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
      await delay(base * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }
}
