import type { JobTable } from '@atoll/jobs/job-table';
import type { CancelQuantizationRequest, CancelQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { CompilerEvent } from '../job/messages.js';

/** CancelQuantization: asks a job to end. */
export function cancelQuantization(
  jobs: JobTable<CompilerEvent>,
): (request: CancelQuantizationRequest) => Promise<CancelQuantizationResponse> {
  return async ({ jobId }) => ({ job: jobs.cancel(jobId) });
}
