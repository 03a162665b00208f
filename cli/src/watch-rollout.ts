import { setTimeout as delay } from 'node:timers/promises';
import { AtollError, isAtollError } from '@atoll/base/error';
import type { Rollout } from '@atoll/proto/atoll/v1/rollout';
import type { Fleet } from './fleet.js';
import { isFinal } from './rollout-text.js';

const retryMs = 500;
/** Broken watches in a row, half a second apart, before the controller is given up. */
const maxBroken = 120;

/** Follows a rollout until it is final, across restarts of the controller, and gives its last standing. */
export async function watchRollout(
  { rollout }: Fleet,
  name: string,
  onChange: (standing: Rollout) => void,
  signal: AbortSignal,
): Promise<Rollout> {
  for (let broken = 0; ;) {
    try {
      for await (const { rollout: standing } of rollout.watchRollout({ name }, { signal })) {
        broken = 0;
        if (standing === undefined) continue;
        onChange(standing);
        if (isFinal(standing)) return standing;
      }
      signal.throwIfAborted();
      throw new AtollError('UNAVAILABLE', `cannot follow rollout ${name}: the controller ended the stream`);
    } catch (error) {
      if (signal.aborted || !isAtollError(error, 'UNAVAILABLE') || ++broken > maxBroken) throw error;
      await delay(retryMs, undefined, { signal });
    }
  }
}
