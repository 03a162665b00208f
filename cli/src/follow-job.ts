import { AtollError, errorCodes, isAtollError } from '@atoll/base/error';
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';

/** How one kind of job is followed; E is what happens in it beside its end. */
export interface JobCalls<E> {
  /** The events from an offset on. */
  readonly watch: (
    fromOffset: bigint,
  ) => AsyncIterable<{ readonly offset: bigint; readonly event: E | Ended | undefined }>;
  readonly cancel: () => Promise<unknown>;
}

/** The last event of every job. */
export interface Ended {
  readonly $case: 'ended';
  readonly value: Job;
}

/** Watches broken off in a row before a job is given up. */
const maxBroken = 5;

/**
 * Follows a job to its end, across broken connections, and gives it when it succeeded; its own error is thrown else.
 * Aborting cancels the job.
 */
export async function followJob<E extends { readonly $case: string }>(
  calls: JobCalls<E>,
  onEvent: (event: Exclude<E, Ended>) => void,
  signal: AbortSignal,
): Promise<Job> {
  let next = 0n;
  for (let broken = 0; ;) {
    try {
      for await (const { offset, event } of calls.watch(next)) {
        next = offset + 1n;
        broken = 0;
        if (event === undefined) continue;
        if (isEnded(event)) return succeeded(event.value);
        onEvent(event as Exclude<E, Ended>);
      }
      signal.throwIfAborted();
      throw new AtollError('UNAVAILABLE', 'cannot follow the job: the service ended the stream');
    } catch (error) {
      if (signal.aborted) {
        await calls.cancel();
        throw error;
      }
      if (!isAtollError(error, 'UNAVAILABLE') || ++broken > maxBroken) throw error;
    }
  }
}

function isEnded(event: { readonly $case: string }): event is Ended {
  return event.$case === 'ended';
}

function succeeded(job: Job): Job {
  if (job.state === JobState.JOB_STATE_SUCCEEDED) return job;
  if (job.state === JobState.JOB_STATE_CANCELLED)
    throw new AtollError('CANCELLED', `cannot give the result of job ${job.id}: it was cancelled`);
  const code = errorCodes.find((candidate) => candidate === job.error?.code) ?? 'INTERNAL';
  throw new AtollError(code, job.error?.message ?? `job ${job.id} failed`);
}
