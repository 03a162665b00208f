import type { Clock } from '@atoll/base/clock';
import { toAtollError } from '@atoll/base/error';
import type { AdmissionQueue } from './admit/admission-queue.js';
import { createAdmissionQueue } from './admit/admission-queue.js';
import type { Caller } from './admit/caller.js';
import type { RunResult } from './runtime/child-process.js';
import type { SlotPool } from './runtime/pool.js';
import type { Outcome } from './stats/outcome.js';
import { outcomeOf } from './stats/outcome.js';
import type { Refusals } from './stats/refusals.js';
import { createRefusals } from './stats/refusals.js';
import type { ServedVersion } from './swap/served-version.js';
import type { SwapManager } from './swap/manager.js';
import type { Shadowing, ShadowCopy } from './swap/shadowing.js';
import { whileWaiting } from './swap/while-waiting.js';
import type { Ended } from './trace/ended.js';
import type { RequestTrace } from './trace/request-trace.js';
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
  /** One a model that was asked for while it was served. */
  queues(): readonly QueueState[];
}

/** How it stands at a model's door. */
export interface QueueState {
  readonly model: string;
  /** Requests waiting for their turn. */
  readonly waiting: number;
  readonly limit: number;
  readonly refused: ReturnType<Refusals['snapshot']>;
}

/** What inference works with. */
export interface InferenceDeps {
  readonly manager: SwapManager;
  readonly pool: SlotPool;
  /** Requests of one model that may wait. */
  readonly queueLimit: number;
  /** Gets a copy of what a shadow version shall run too. */
  readonly shadowing: Shadowing;
  /** Told of every request that is over, once it is counted. */
  readonly ended: Ended;
  readonly clock: Clock;
}

interface Door {
  readonly queue: AdmissionQueue;
  readonly refusals: Refusals;
}

/** While one request runs in a slot, the next one's photo is decoded. */
const workersPerSlot = 2;

/** See Inference. */
export function createInference({ manager, pool, queueLimit, shadowing, ended, clock }: InferenceDeps): Inference {
  /** With more waiting than this, shadows get nothing. */
  const mostWaiting = queueLimit / 4;
  const doors = new Map<string, Door>();
  const doorOf = (model: string): Door => {
    const known = doors.get(model);
    if (known !== undefined) return known;
    const queue = createAdmissionQueue(model, { concurrency: pool.size * workersPerSlot, limit: queueLimit, clock });
    const door = { queue, refusals: createRefusals() };
    doors.set(model, door);
    return door;
  };
  /** What it waits for, or what kept it from that, counted. */
  const counted = async <T>(model: string, { refusals }: Door, caller: Caller, awaited: Promise<T>): Promise<T> => {
    const beganMs = clock.nowMs();
    try {
      return await awaited;
    } catch (error) {
      const [endedAtMs, { code, message }] = [clock.nowMs(), toAtollError(error)];
      const outcome = outcomeOf(code, caller, endedAtMs);
      refusals.refused(outcome);
      const request = { ...refusedAtTheDoor, outcome, queueMs: endedAtMs - beganMs, endedAtMs };
      ended({ model, version: undefined, request, ...traceOf(caller), error: message });
      throw error;
    }
  };

  return {
    queues: () =>
      [...doors].map(([model, { queue, refusals }]) => ({
        model,
        waiting: queue.waiting,
        limit: queueLimit,
        refused: refusals.snapshot(),
      })),
    async withVersion(model, target, caller, work) {
      const acquired = manager.acquire(model, target, caller.routeKey);
      // Only now, because a name that the node does not know leaves nothing behind.
      const door = doorOf(model);
      const leased =
        acquired instanceof Promise
          ? await counted(model, door, caller, whileWaiting(acquired, caller, model, clock))
          : acquired;
      const { served, shadow, release } = leased;
      let copy: ShadowCopy | undefined;
      try {
        const ticket = await counted(model, door, caller, door.queue.enter(caller));
        const began = clock.monotonicMs();
        let runBegan = began;
        let runEnded = began;
        let ran: RunResult | undefined;
        const record = (outcome: Outcome, error?: string): void => {
          const request = {
            outcome,
            queueMs: ticket.queueMs + (ran?.queueMs ?? 0),
            inputMs: runBegan - began + (ran?.inputMs ?? 0),
            inferMs: ran?.inferMs ?? 0,
            outputMs: ran === undefined ? 0 : ran.outputMs + clock.monotonicMs() - runEnded,
            backend: ran?.backend ?? served.info.backend,
            device: ran?.device ?? served.info.device,
            endedAtMs: clock.nowMs(),
          };
          served.stats.record(request);
          ended({ model, version: served.pkg.version, request, ...traceOf(caller), error });
        };
        try {
          const result = await work({
            served,
            run: async (inputs) => {
              runBegan = clock.monotonicMs();
              ran = await pool.run(served.handle, inputs, caller.signal);
              runEnded = clock.monotonicMs();
              if (shadow !== undefined) copy = { inputs, outputs: ran.outputs, busy: door.queue.waiting > mostWaiting };
              return ran;
            },
          });
          const latencyMs = clock.monotonicMs() - began;
          record('ok');
          return { result, served, timings: { queueMs: ticket.queueMs, latencyMs } };
        } catch (error) {
          const { code, message } = toAtollError(error);
          record(outcomeOf(code, caller, clock.nowMs()), message);
          throw error;
        } finally {
          ticket.release();
        }
      } finally {
        release();
        if (shadow !== undefined) shadowing.offer(shadow, served, copy);
      }
    },
  };
}

/** What a request that no version took leaves behind, but for its outcome and its waiting. */
const refusedAtTheDoor = { inputMs: 0, inferMs: 0, outputMs: 0, backend: '', device: '' };

function traceOf({ traceparent, tracestate }: Caller): Pick<RequestTrace, 'traceparent' | 'tracestate'> {
  return { traceparent, tracestate };
}
