import type { JobTable } from '@atoll/jobs/job-table';
import type { WatchQuantizationRequest, WatchQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { CallContext } from '@atoll/rpc/handlers';
import type { CompilerEvent } from '../job/messages.js';

/** WatchQuantization: the job's events from an offset on, and the job itself once it has ended. */
export function watchQuantization(
  jobs: JobTable<CompilerEvent>,
): (request: WatchQuantizationRequest, context: CallContext) => AsyncIterable<WatchQuantizationResponse> {
  return async function* ({ jobId, fromOffset }, { signal }) {
    for await (const { offset, timeUnixMs, event } of jobs.watch(jobId, Number(fromOffset), signal)) {
      yield { offset: BigInt(offset), timeUnixMs: BigInt(timeUnixMs), event: eventOf(event) };
    }
    if (signal.aborted) return;
    const job = jobs.get(jobId);
    yield { offset: job.nextOffset, timeUnixMs: job.endedUnixMs, event: { $case: 'ended', value: job } };
  };
}

function eventOf(event: CompilerEvent): WatchQuantizationResponse['event'] {
  switch (event.kind) {
    case 'stage':
      return { $case: 'stage', value: event };
    case 'warning':
      return { $case: 'warning', value: event };
  }
}
