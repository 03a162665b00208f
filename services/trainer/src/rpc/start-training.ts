import { AtollError } from '@atoll/base/error';
import type { BlobStore } from '@atoll/artifacts/store';
import type { JobTable } from '@atoll/jobs/job-table';
import type { StartTrainingRequest, StartTrainingResponse, TrainingOptions } from '@atoll/proto/atoll/v1/trainer';
import { noAugmentation } from '../augment/augmentation.js';
import type { TrainingEvent } from '../job/messages.js';
import { checkSettings, defaultSettings, type TrainingSettings } from '../job/settings.js';
import type { TrainingJobRunner } from '../job/training-job.js';
import { assembleTask } from '../job/training-task.js';

/** StartTraining: checks the request and the data sets' manifests, then accepts the job. */
export function startTraining(
  jobs: JobTable<TrainingEvent>,
  store: BlobStore,
  runner: TrainingJobRunner,
): (request: StartTrainingRequest) => Promise<StartTrainingResponse> {
  return async (request) => {
    const settings = settingsOf(request.options);
    if (request.datasetSha256 === '') throw new AtollError('INVALID_ARGUMENT', 'cannot train: no data set is named');
    const sets = {
      dataset: request.datasetSha256,
      validation: request.validationDatasetSha256 || null,
      test: request.testDatasetSha256 || null,
    };
    return { job: jobs.start(runner(await assembleTask(store, sets, settings))) };
  };
}

/** Zero and empty mean the default, as the contract says. */
function settingsOf(options: TrainingOptions | undefined): TrainingSettings {
  if (options === undefined) return defaultSettings;
  return checkSettings({
    model: options.model || defaultSettings.model,
    imageSize: options.imageSize || defaultSettings.imageSize,
    epochs: options.epochs || defaultSettings.epochs,
    batchSize: options.batchSize || defaultSettings.batchSize,
    learningRate: options.learningRate || defaultSettings.learningRate,
    seed: Number(options.seed || BigInt(defaultSettings.seed)),
    engine: options.engine || defaultSettings.engine,
    augmentation: options.augmentation ?? noAugmentation,
    validationShare: options.validationShare || defaultSettings.validationShare,
  });
}
