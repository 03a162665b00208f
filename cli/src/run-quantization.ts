/** One job of a quantizer-compiler through its gRPC, told as it goes. The tools and the main job use the same. */
import { plainOptions } from '@atoll/edgetpu/compiler-options';
import type { Job } from '@atoll/proto/atoll/v1/job';
import {
  type CompileTask,
  QuantizerServiceService,
  type StartQuantizationRequest,
} from '@atoll/proto/atoll/v1/quantizer';
import type { Channel } from '@atoll/rpc/channel';
import { followJob } from './follow-job.js';
import type { Progress } from './progress.js';

/** A compilation with the compiler's own defaults. */
export const plainCompilation: CompileTask = { ...plainOptions, intermediateTensors: [] };

/** Starts a conversion, quantization or compilation and follows it to its end. */
export async function runQuantization(
  channel: Channel,
  request: StartQuantizationRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<Job> {
  const quantizer = channel.client(QuantizerServiceService);
  const { job } = await quantizer.startQuantization(request, { signal });
  const jobId = job?.id ?? '';
  return followJob(
    {
      watch: (fromOffset) => quantizer.watchQuantization({ jobId, fromOffset }, { signal }),
      cancel: () => quantizer.cancelQuantization({ jobId }),
    },
    (event) => {
      if (event.$case === 'warning') progress.line(`warning: ${event.value.message}`);
      else if (event.value.stage === 'kept') progress.line('kept from an identical request');
      else
        progress.step({ label: event.value.stage, done: event.value.done, total: event.value.total, unit: 'photos' });
    },
    signal,
  );
}
