import type { JobTable } from '@atoll/jobs/job-table';
import type { StartQuantizationRequest, StartQuantizationResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { ResultCache } from '../cache/result-cache.js';
import { resultKey } from '../cache/result-key.js';
import { assembleTask } from '../job/assemble-task.js';
import type { TaskContext } from '../job/assemble-task.js';
import { type CompilerJobRunner, keptEvents } from '../job/compiler-job.js';
import type { CompilerEvent } from '../job/messages.js';

/** StartQuantization: checks the request and its blobs, then accepts the job; one whose result is kept has succeeded at once. */
export function startQuantization(
  jobs: JobTable<CompilerEvent>,
  context: TaskContext,
  cache: ResultCache,
  runner: CompilerJobRunner,
): (request: StartQuantizationRequest) => Promise<StartQuantizationResponse> {
  return async (request) => {
    const task = await assembleTask(request, context);
    const key = resultKey(task);
    const kept = request.fresh ? undefined : await cache.find(key);
    const job =
      kept === undefined
        ? jobs.start(runner(task, key, request.fresh))
        : jobs.startSucceeded(keptEvents(kept), kept.artifacts);
    return { job };
  };
}
