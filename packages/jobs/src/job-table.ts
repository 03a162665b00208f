/**
 * The long jobs of a service: queued -> running -> succeeded | failed | cancelled. A bounded number waits, a bounded
 * number runs; the newest finished ones are remembered. What a job does is given as a function; this file only orders it.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@atoll/base/clock';
import { AtollError, type ErrorCode, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';
import { EventLog, type Logged } from './event-log.js';

/** What a job's function is given. */
export interface JobContext<E> {
  readonly id: string;
  /** Aborted when somebody cancels the job or the service stops. */
  readonly signal: AbortSignal;
  readonly emit: (event: E) => void;
}

/** Does the job's work and gives its artifacts; throws to fail. */
export type JobRun<E> = (context: JobContext<E>) => Promise<readonly Artifact[]>;

/** How much a table takes. */
export interface JobTableOptions {
  readonly maxRunning: number;
  readonly maxQueued: number;
  /** Finished jobs that are remembered with their events. */
  readonly maxFinished: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Entry<E> {
  job: Job;
  readonly log: EventLog<E>;
  readonly controller: AbortController;
  readonly run: JobRun<E>;
  done: Promise<void>;
}

/** The jobs of one service; E is what they emit. */
export class JobTable<E> {
  readonly #options: JobTableOptions;
  readonly #entries = new Map<string, Entry<E>>();
  #running = 0;
  #stopped = false;

  constructor(options: JobTableOptions) {
    this.#options = options;
  }

  /** Accepts a job; RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE while the service stops. */
  start(run: JobRun<E>): Job {
    if (this.#stopped) throw new AtollError('UNAVAILABLE', 'cannot accept a job: the service is stopping');
    const queued = this.#withState(JobState.JOB_STATE_QUEUED);
    if (queued.length >= this.#options.maxQueued) {
      throw new AtollError('RESOURCE_EXHAUSTED', `cannot accept a job: ${queued.length} are waiting already`);
    }
    const entry = this.#enter(run);
    this.#dispatch();
    return this.get(entry.job.id);
  }

  /** Accepts a job whose result is there already: it has succeeded at once, however many others wait. UNAVAILABLE while the service stops. */
  startSucceeded(events: readonly E[], artifacts: readonly Artifact[]): Job {
    if (this.#stopped) throw new AtollError('UNAVAILABLE', 'cannot accept a job: the service is stopping');
    const entry = this.#enter(() => Promise.resolve(artifacts));
    for (const event of events) entry.log.append(event, this.#options.clock.nowMs());
    this.#finish(entry, { state: JobState.JOB_STATE_SUCCEEDED, artifacts });
    return this.get(entry.job.id);
  }

  /** Where a job stands; NOT_FOUND for an unknown one. */
  get(id: string): Job {
    const entry = this.#entry(id);
    return { ...entry.job, nextOffset: BigInt(entry.log.nextOffset) };
  }

  /** Asks a job to end; one that has ended stays as it is. */
  cancel(id: string): Job {
    const entry = this.#entry(id);
    entry.controller.abort();
    if (entry.job.state === JobState.JOB_STATE_QUEUED) this.#finish(entry, { state: JobState.JOB_STATE_CANCELLED });
    return this.get(id);
  }

  /** The events of a job from an offset on, live until it ends; its final standing is read with get afterwards. */
  watch(id: string, fromOffset: number, signal: AbortSignal): AsyncGenerator<Logged<E>> {
    return this.#entry(id).log.follow(fromOffset, signal);
  }

  /** Cancels all and waits until nothing runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.cancel(entry.job.id);
    await Promise.all(entries.map((entry) => entry.done));
  }

  #enter(run: JobRun<E>): Entry<E> {
    const job: Job = {
      id: randomUUID(),
      state: JobState.JOB_STATE_QUEUED,
      createdUnixMs: BigInt(this.#options.clock.nowMs()),
      endedUnixMs: 0n,
      error: undefined,
      artifacts: [],
      nextOffset: 0n,
    };
    const entry: Entry<E> = {
      job,
      log: new EventLog(),
      controller: new AbortController(),
      run,
      done: Promise.resolve(),
    };
    this.#entries.set(job.id, entry);
    return entry;
  }

  #entry(id: string): Entry<E> {
    const entry = this.#entries.get(id);
    if (entry === undefined)
      throw new AtollError('NOT_FOUND', `cannot find job ${JSON.stringify(id.slice(0, 80))}: no such job`);
    return entry;
  }

  #withState(state: JobState): Entry<E>[] {
    return [...this.#entries.values()].filter((entry) => entry.job.state === state);
  }

  #dispatch(): void {
    for (const entry of this.#withState(JobState.JOB_STATE_QUEUED)) {
      if (this.#running >= this.#options.maxRunning) return;
      this.#running++;
      entry.job = { ...entry.job, state: JobState.JOB_STATE_RUNNING };
      entry.done = this.#work(entry);
    }
  }

  async #work(entry: Entry<E>): Promise<void> {
    const { clock, log } = this.#options;
    try {
      const artifacts = await entry.run({
        id: entry.job.id,
        signal: entry.controller.signal,
        emit: (event) => entry.log.append(event, clock.nowMs()),
      });
      this.#finish(entry, { state: JobState.JOB_STATE_SUCCEEDED, artifacts });
    } catch (thrown) {
      const error = toAtollError(thrown);
      if (entry.controller.signal.aborted) {
        this.#finish(entry, { state: JobState.JOB_STATE_CANCELLED });
      } else {
        if (error.code === 'INTERNAL')
          log.error('a job failed inside', { job: entry.job.id, error: error.cause ?? error });
        this.#finish(entry, { state: JobState.JOB_STATE_FAILED, error: { code: error.code, message: error.message } });
      }
    }
    this.#running--;
    this.#dispatch();
  }

  #finish(
    entry: Entry<E>,
    end: { state: JobState; artifacts?: readonly Artifact[]; error?: { code: ErrorCode; message: string } },
  ): void {
    entry.job = {
      ...entry.job,
      state: end.state,
      endedUnixMs: BigInt(this.#options.clock.nowMs()),
      artifacts: [...(end.artifacts ?? [])],
      error: end.error,
    };
    entry.log.close();
    // To the end of the map: a long job that ends among many short ones is the newest, and is still to be read.
    this.#entries.delete(entry.job.id);
    this.#entries.set(entry.job.id, entry);
    const finished = [...this.#entries.values()].filter((other) => other.job.endedUnixMs !== 0n);
    for (const old of finished.slice(0, Math.max(0, finished.length - this.#options.maxFinished)))
      this.#entries.delete(old.job.id);
  }
}
