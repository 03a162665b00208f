import type { JobTable } from '@atoll/jobs/job-table';
import type { GetQuantizationRequest, GetQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { CompilerEvent } from '../job/messages.js';

/** GetQuantization: where a job stands. */
export function getQuantization(
  jobs: JobTable<CompilerEvent>,
): (request: GetQuantizationRequest) => Promise<GetQuantizationResponse> {
  return async ({ jobId }) => ({ job: jobs.get(jobId) });
}
