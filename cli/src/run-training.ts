/** One training through a trainer's gRPC, told as it goes. The tool and the main job use the same. */
import { type Job, JobState } from '@atoll/proto/atoll/v1/job';
import {
  type DatasetReady,
  type EpochResult,
  type StartTrainingRequest,
  TrainerServiceService,
} from '@atoll/proto/atoll/v1/trainer';
import type { Channel } from '@atoll/rpc/channel';
import { followJob } from './follow-job.js';
import type { Progress } from './progress.js';

/** What a training brought. */
export interface TrainingOutcome {
  readonly job: Job;
  readonly dataset: DatasetReady;
  readonly epochs: readonly EpochResult[];
  readonly warnings: readonly string[];
}

/** Starts a training and follows it to its end. */
export async function runTraining(
  channel: Channel,
  request: StartTrainingRequest,
  progress: Progress,
  signal: AbortSignal,
  label = 'training',
): Promise<TrainingOutcome> {
  const trainer = channel.client(TrainerServiceService);
  const { job } = await trainer.startTraining(request, { signal });
  const jobId = job?.id ?? '';
  let dataset: DatasetReady | undefined;
  const epochs: EpochResult[] = [];
  const warnings: string[] = [];
  if (job?.state === JobState.JOB_STATE_QUEUED) progress.line(`${label}: waiting for another training to end`);
  const ended = await followJob(
    {
      watch: (fromOffset) => trainer.watchTraining({ jobId, fromOffset }, { signal }),
      cancel: () => trainer.cancelTraining({ jobId }),
    },
    (event) => {
      switch (event.$case) {
        case 'datasetReady':
          dataset = event.value;
          for (const line of describeData(event.value)) progress.line(`${label}: ${line}`);
          return;
        case 'progress': {
          const { epoch, epochs: all, step, steps, imagesPerSecond, loss, etaSeconds } = event.value;
          const note = `${imagesPerSecond.toFixed(0)} photos/s  loss ${loss.toFixed(3)}`;
          progress.step({
            label: `${label}: epoch ${epoch}/${all}`,
            done: step,
            total: steps,
            unit: 'steps',
            note,
            etaSeconds,
          });
          return;
        }
        case 'epoch':
          epochs.push(event.value);
          progress.line(`${label}: ${describeEpoch(event.value)}`);
          return;
        case 'warning':
          warnings.push(event.value.message);
          progress.line(`${label}: warning: ${event.value.message}`);
      }
    },
    signal,
  );
  return { job: ended, dataset: dataset ?? noDataset, epochs, warnings };
}

const noDataset: DatasetReady = {
  dataVersion: '',
  classes: [],
  trainingImages: 0,
  validationImages: 0,
  testImages: 0,
  skipped: [],
  engine: '',
  parameters: 0n,
};

function describeData(data: DatasetReady): readonly string[] {
  const tests = data.testImages > 0 ? `, ${data.testImages} to test` : '';
  const lines = [
    `${data.trainingImages} photos to train on, ${data.validationImages} to validate${tests}; ${data.classes.length} classes; ` +
      `${data.parameters.toLocaleString('en')} parameters; engine ${data.engine}`,
  ];
  for (const { path, reason } of data.skipped.slice(0, 5)) lines.push(`left out ${path}: ${reason}`);
  if (data.skipped.length > 5) lines.push(`left out ${data.skipped.length} photos in all`);
  return lines;
}

function describeEpoch(epoch: EpochResult): string {
  return (
    `epoch ${epoch.epoch}  loss ${epoch.loss.toFixed(4)}  accuracy ${epoch.accuracy.toFixed(3)}  ` +
    `validation loss ${epoch.validationLoss.toFixed(4)}  accuracy ${epoch.validationAccuracy.toFixed(3)}  ` +
    `${epoch.imagesPerSecond.toFixed(0)} photos/s  ${epoch.seconds.toFixed(1)} s`
  );
}
