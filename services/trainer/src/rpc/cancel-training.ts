import type { JobTable } from '@atoll/jobs/job-table';
import type { CancelTrainingRequest, CancelTrainingResponse } from '@atoll/proto/atoll/v1/trainer';
import type { TrainingEvent } from '../job/messages.js';

/** CancelTraining: asks a training to end. */
export function cancelTraining(
  jobs: JobTable<TrainingEvent>,
): (request: CancelTrainingRequest) => Promise<CancelTrainingResponse> {
  return async ({ jobId }) => ({ job: jobs.cancel(jobId) });
}
