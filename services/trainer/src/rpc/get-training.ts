import type { JobTable } from '@atoll/jobs/job-table';
import type { GetTrainingRequest, GetTrainingResponse } from '@atoll/proto/atoll/v1/trainer';
import type { TrainingEvent } from '../job/messages.js';

/** GetTraining: where a training stands. */
export function getTraining(
  jobs: JobTable<TrainingEvent>,
): (request: GetTrainingRequest) => Promise<GetTrainingResponse> {
  return async ({ jobId }) => ({ job: jobs.get(jobId) });
}
