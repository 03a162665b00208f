import type { JobTable } from '@atoll/jobs/job-table';
import { watchJob } from '@atoll/jobs/watch-job';
import type { WatchTrainingRequest, WatchTrainingResponse } from '@atoll/proto/atoll/v1/trainer';
import type { CallContext } from '@atoll/rpc/handlers';
import type { TrainingEvent } from '../job/messages.js';

/** WatchTraining: the job's events from an offset on, and the job itself once it has ended. */
export function watchTraining(
  jobs: JobTable<TrainingEvent>,
): (request: WatchTrainingRequest, context: CallContext) => AsyncIterable<WatchTrainingResponse> {
  return (request, { signal }) => watchJob(jobs, request, signal, eventOf);
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
