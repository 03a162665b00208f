/*
 * Puts a version into the runtime and takes it out: loads it in every slot, checks it where it will serve, and frees it once the
 * last request on it is answered. It knows one version at a time and decides nothing.
 */
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import { verifyLoaded } from '../models/verify.js';
import { isRuntimeGone } from '../runtime/child-process.js';
import type { Candidate } from '../runtime/messages.js';
import type { SlotPool } from '../runtime/pool.js';
import { createStats } from '../stats.js';
import type { StatsRecorder } from '../stats.js';
import { createLeaseCounter } from './lease.js';
import type { Entry, Needs } from './model-state.js';

/** A loaded version, or why there is none. */
export type Loaded = { readonly entry: Entry } | { readonly fault: PackageFault };

/** See the head of the file. */
export interface Loader {
  /** `stats` go on where they were when the version comes back. */
  load(pkg: ModelPackage, needs: Needs, stats?: StatsRecorder): Promise<Loaded>;
  /** Gives it to no further request, waits for those on it, and frees it. */
  free(entry: Entry): Promise<void>;
}

/** What a loader works with. */
export interface LoaderDeps {
  readonly pool: SlotPool;
  readonly candidatesOf: (pkg: ModelPackage) => readonly Candidate[];
  readonly log: Logger;
}

const never = new AbortController().signal;

/** A loader. */
export function createLoader({ pool, candidatesOf, log }: LoaderDeps): Loader {
  let loads = 0;
  const close = async (handle: string): Promise<void> => {
    try {
      await pool.close(handle);
    } catch (error) {
      // The child that held it has ended, and the next one will not load it.
      log.warn('a model could not be unloaded', { handle, error });
    }
  };

  return {
    async load(pkg, needs, stats = createStats()) {
      const handle = `${packageName(pkg)} #${++loads}`;
      try {
        const info = await pool.open(handle, candidatesOf(pkg), async (again, run) => {
          const fault = await verifyLoaded(pkg, again, run);
          if (fault !== undefined) throw new AtollError('FAILED_PRECONDITION', fault.message);
        });
        const fault = await verifyLoaded(pkg, info, (inputs) => pool.run(handle, inputs, never));
        if (fault !== undefined) {
          await close(handle);
          return { fault };
        }
        // What it took of memory that the process had free already does not show as growth.
        const fileBytes = Math.max(...pkg.files.map(({ sizeBytes }) => sizeBytes));
        const entry: Entry = {
          pkg,
          handle,
          info,
          stats,
          needs: { ...needs, memoryBytes: Math.max(needs.memoryBytes, info.memoryBytes, fileBytes) },
          leases: createLeaseCounter(),
          tally: { compared: 0, sumAbsError: 0, skipped: 0, maxMeanAbsError: 0 },
          state: 'ready',
          aspired: true,
        };
        return { entry };
      } catch (error) {
        await close(handle);
        return { fault: { reason: isRuntimeGone(error) ? 'CRASHED' : 'LOAD_FAILED', message: reasonOf(error) } };
      }
    },
    async free(entry) {
      entry.state = 'draining';
      await entry.leases.retire();
      entry.state = 'gone';
      await close(entry.handle);
    },
  };
}
