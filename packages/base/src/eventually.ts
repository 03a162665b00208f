import { setTimeout as delay } from 'node:timers/promises';

/** Tries `check` until it no longer throws, and gives its value; after `timeoutMs` the last error is thrown. For tests and for waiting on other processes. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 10_000, everyMs = 20): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await delay(everyMs);
  }
}
