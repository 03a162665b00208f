import type { JobTable } from '@atoll/jobs/job-table';
import type { StartQuantizationRequest, StartQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import { assembleTask } from '../job/assemble-task.js';
import type { TaskContext } from '../job/assemble-task.js';
import type { CompilerJobRunner } from '../job/compiler-job.js';
import type { CompilerEvent } from '../job/messages.js';

/** StartQuantization: checks the request and its blobs, then accepts the job. */
export function startQuantization(
  jobs: JobTable<CompilerEvent>,
  context: TaskContext,
  runner: CompilerJobRunner,
): (request: StartQuantizationRequest) => Promise<StartQuantizationResponse> {
  return async (request) => ({ job: jobs.start(runner(await assembleTask(request, context))) });
}
