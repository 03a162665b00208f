import type { Job } from '@atoll/proto/atoll/v1/job';
import type { JobTable } from './job-table.js';

/** One message of a Watch call: what the job emitted, or last the job itself once it has ended. */
export interface WatchMessage<V> {
  readonly offset: bigint;
  readonly timeUnixMs: bigint;
  readonly event: V | { readonly $case: 'ended'; readonly value: Job };
}

/** The messages of a Watch call from an offset on, live; `eventOf` puts what the job emits into the service's own words. */
export async function* watchJob<E, V>(
  jobs: JobTable<E>,
  request: { readonly jobId: string; readonly fromOffset: bigint },
  signal: AbortSignal,
  eventOf: (event: E) => V,
): AsyncGenerator<WatchMessage<V>> {
  for await (const { offset, timeUnixMs, event } of jobs.watch(request.jobId, Number(request.fromOffset), signal)) {
    yield { offset: BigInt(offset), timeUnixMs: BigInt(timeUnixMs), event: eventOf(event) };
  }
  if (signal.aborted) return;
  const job = jobs.get(request.jobId);
  yield { offset: job.nextOffset, timeUnixMs: job.endedUnixMs, event: { $case: 'ended', value: job } };
}
