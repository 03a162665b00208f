import type { Clock } from '@atoll/base/clock';
import type { ErrorCode } from '@atoll/base/error';
import { toAtollError } from '@atoll/base/error';
import type { AdmissionQueue } from './admit/admission-queue.js';
import { createAdmissionQueue } from './admit/admission-queue.js';
import type { Caller } from './admit/caller.js';
import type { RunResult } from './runtime/child-process.js';
import type { SlotPool } from './runtime/pool.js';
import type { ServedVersion } from './swap/served-version.js';
import type { SwapManager } from './swap/manager.js';
import type { VersionTarget } from './swap/target.js';

/** A request's time on the node. */
export interface Timings {
  /** Waiting in the model's queue. */
  readonly queueMs: number;
  /** From dequeue to output. */
  readonly latencyMs: number;
}

/** What a request may do with the version that it was given. */
export interface VersionAtWork {
  readonly served: ServedVersion;
  run(inputs: readonly Uint8Array[]): Promise<RunResult>;
}

/** The way of every request: lease a version, wait for its turn, work, count. */
export interface Inference {
  /** `work` runs on one version from beginning to end, whatever is swapped meanwhile. */
  withVersion<T>(
    model: string,
    target: VersionTarget,
    caller: Caller,
    work: (version: VersionAtWork) => Promise<T>,
  ): Promise<{ readonly result: T; readonly served: ServedVersion; readonly timings: Timings }>;
}

/** What inference works with. */
export interface InferenceDeps {
  readonly manager: SwapManager;
  readonly pool: SlotPool;
  /** Requests of one model that may wait. */
  readonly queueLimit: number;
  readonly clock: Clock;
}

/** While one request runs in a slot, the next one's photo is decoded. */
const workersPerSlot = 2;

/** Failures that say nothing against the version. */
const callersFault: ReadonlySet<ErrorCode> = new Set([
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'CANCELLED',
  'NOT_FOUND',
]);

/** See Inference. */
export function createInference({ manager, pool, queueLimit, clock }: InferenceDeps): Inference {
  const queues = new Map<string, AdmissionQueue>();
  const queueOf = (model: string): AdmissionQueue => {
    const known = queues.get(model);
    if (known !== undefined) return known;
    const queue = createAdmissionQueue(model, { concurrency: pool.size * workersPerSlot, limit: queueLimit, clock });
    queues.set(model, queue);
    return queue;
  };

  return {
    async withVersion(model, target, caller, work) {
      const { served, release } = await manager.acquire(model, target, caller.routeKey);
      try {
        const ticket = await queueOf(model).enter(caller);
        const began = clock.monotonicMs();
        try {
          const result = await work({ served, run: (inputs) => pool.run(served.handle, inputs, caller.signal) });
          const latencyMs = clock.monotonicMs() - began;
          served.stats.succeeded(latencyMs);
          return { result, served, timings: { queueMs: ticket.queueMs, latencyMs } };
        } catch (error) {
          if (!caller.signal.aborted && !callersFault.has(toAtollError(error).code)) served.stats.failed();
          throw error;
        } finally {
          ticket.release();
        }
      } finally {
        release();
      }
    },
  };
}
