import type { Clock } from '@atoll/base/clock';
import { AtollError } from '@atoll/base/error';
import type { Caller } from '../admit/caller.js';
import type { LeasedVersion } from './served-version.js';

/**
 * Waits for a version that has to be loaded first, no longer than the caller does: DEADLINE_EXCEEDED or CANCELLED when that is
 * over, and what comes after it is given back.
 */
export async function whileWaiting(
  acquired: Promise<LeasedVersion>,
  { signal, deadlineMs }: Pick<Caller, 'signal' | 'deadlineMs'>,
  model: string,
  clock: Clock,
): Promise<LeasedVersion> {
  let late: NodeJS.Timeout | undefined;
  let gaveUp = false;
  let leave = (): void => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    const end = (error: AtollError): void => {
      gaveUp = true;
      reject(error);
    };
    const tooLate = (): void =>
      end(new AtollError('DEADLINE_EXCEEDED', `cannot run ${model}: the deadline passed before it was loaded`));
    const wentAway = (): void => end(new AtollError('CANCELLED', `cannot run ${model}: the caller went away`));
    // A timer cannot be set for longer than this.
    if (deadlineMs - clock.nowMs() < 2 ** 31) late = setTimeout(tooLate, Math.max(0, deadlineMs - clock.nowMs()));
    if (signal.aborted) wentAway();
    else signal.addEventListener('abort', wentAway, { once: true });
    leave = () => signal.removeEventListener('abort', wentAway);
  });
  try {
    return await Promise.race([acquired, over]);
  } finally {
    clearTimeout(late);
    leave();
    if (gaveUp) {
      acquired.then(
        ({ release, shadow }) => {
          release();
          shadow?.release();
        },
        () => undefined, // the caller has its answer already
      );
    }
  }
}
