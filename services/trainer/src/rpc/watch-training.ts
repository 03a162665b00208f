import type { JobTable } from '@atoll/jobs/job-table';
import type { WatchTrainingRequest, WatchTrainingResponse } from '@atoll/proto/atoll/v1/trainer';
import type { CallContext } from '@atoll/rpc/handlers';
import type { TrainingEvent } from '../job/messages.js';

/** WatchTraining: the job's events from an offset on, and the job itself once it has ended. */
export function watchTraining(
  jobs: JobTable<TrainingEvent>,
): (request: WatchTrainingRequest, context: CallContext) => AsyncIterable<WatchTrainingResponse> {
  return async function* ({ jobId, fromOffset }, { signal }) {
    for await (const { offset, timeUnixMs, event } of jobs.watch(jobId, Number(fromOffset), signal)) {
      yield { offset: BigInt(offset), timeUnixMs: BigInt(timeUnixMs), event: eventOf(event) };
    }
    if (signal.aborted) return;
    const job = jobs.get(jobId);
    yield { offset: job.nextOffset, timeUnixMs: job.endedUnixMs, event: { $case: 'ended', value: job } };
  };
}

function eventOf(event: TrainingEvent): WatchTrainingResponse['event'] {
  switch (event.kind) {
    case 'dataset':
      return {
        $case: 'datasetReady',
        value: {
          ...event,
          classes: [...event.classes],
          skipped: [...event.skipped],
          parameters: BigInt(event.parameters),
        },
      };
    case 'progress':
      return { $case: 'progress', value: event };
    case 'epoch':
      return {
        $case: 'epoch',
        value: { ...event, validationLoss: event.valLoss, validationAccuracy: event.valAccuracy },
      };
    case 'warning':
      return { $case: 'warning', value: event };
  }
}
