import type { Clock } from '@atoll/base/clock';
import { reasonOf, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { RunResult } from '../runtime/child-process.js';
import type { SlotPool } from '../runtime/pool.js';
import type { Outcome } from '../stats/outcome.js';
import { outcomeOf } from '../stats/outcome.js';
import { compareOutputs } from './comparison.js';
import type { LeasedVersion, ServedVersion } from './served-version.js';

/** What an answered request leaves for its shadow. */
export interface ShadowCopy {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  /** The node has enough to do with what is answered. */
  readonly busy: boolean;
}

/** Runs copies of answered requests on shadow versions. */
export interface Shadowing {
  /**
   * Runs the copy, unless another one runs or the node is busy; undefined when there is nothing to copy. `stable` is the version
   * that answered. The shadow is released in any case.
   */
  offer(shadow: LeasedVersion, stable: ServedVersion, copy: ShadowCopy | undefined): void;
}

/** What it works with. */
export interface ShadowingDeps {
  readonly pool: Pick<SlotPool, 'run'>;
  readonly clock: Clock;
  readonly log: Logger;
}

const never = new AbortController().signal;

/** One copy at a time on the whole node: a shadow must not be felt by those who wait for answers. */
export function createShadowing({ pool, clock, log }: ShadowingDeps): Shadowing {
  let running = false;

  const run = async ({ served }: LeasedVersion, stable: ServedVersion, copy: ShadowCopy): Promise<void> => {
    const record = (outcome: Outcome, ran?: RunResult): void =>
      served.stats.record({
        outcome,
        queueMs: ran?.queueMs ?? 0,
        inputMs: ran?.inputMs ?? 0,
        inferMs: ran?.inferMs ?? 0,
        outputMs: ran?.outputMs ?? 0,
        backend: ran?.backend ?? served.info.backend,
        device: ran?.device ?? served.info.device,
        endedAtMs: clock.nowMs(),
      });
    try {
      const ran = await pool.run(served.handle, copy.inputs, never);
      record('ok', ran);
      const { outputs } = ran;
      const specs = { given: stable.info.outputs, shadow: served.info.outputs };
      const { agrees, meanAbsError } = compareOutputs(copy.outputs, outputs, specs, served.tally.maxMeanAbsError);
      served.stats.compared(agrees);
      served.tally.compared++;
      served.tally.sumAbsError += meanAbsError;
    } catch (error) {
      record(outcomeOf(toAtollError(error).code, { signal: never, deadlineMs: Infinity }, clock.nowMs()));
      log.warn('a shadow run failed', { handle: served.handle, reason: reasonOf(error) });
    }
  };

  return {
    offer(shadow, stable, copy) {
      if (copy === undefined) return shadow.release();
      if (running || copy.busy) {
        shadow.served.tally.skipped++;
        return shadow.release();
      }
      running = true;
      // The memory of an answered request is used again.
      const inputs = copy.inputs.map((input) => Uint8Array.from(input));
      void run(shadow, stable, { ...copy, inputs }).finally(() => {
        running = false;
        shadow.release();
      });
    },
  };
}
