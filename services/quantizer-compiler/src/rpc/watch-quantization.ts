import type { JobTable } from '@atoll/jobs/job-table';
import { watchJob } from '@atoll/jobs/watch-job';
import type { WatchQuantizationRequest, WatchQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { CallContext } from '@atoll/rpc/handlers';
import type { CompilerEvent } from '../job/messages.js';

/** WatchQuantization: the job's events from an offset on, and the job itself once it has ended. */
export function watchQuantization(
  jobs: JobTable<CompilerEvent>,
): (request: WatchQuantizationRequest, context: CallContext) => AsyncIterable<WatchQuantizationResponse> {
  return (request, { signal }) => watchJob(jobs, request, signal, eventOf);
}

function eventOf(event: CompilerEvent): WatchQuantizationResponse['event'] {
  switch (event.kind) {
    case 'stage':
      return { $case: 'stage', value: event };
    case 'warning':
      return { $case: 'warning', value: event };
    case 'kept':
      return { $case: 'stage', value: { stage: 'kept', done: 0, total: 0 } };
  }
}
