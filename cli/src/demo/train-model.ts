import { describeDataset } from '@atoll/artifacts/dataset';
import { uploadBlobs } from '@atoll/artifacts/remote';
import type { Channel } from '@atoll/rpc/channel';
import { fetchArtifacts, writeFolder } from '../output-files.js';
import type { Progress } from '../progress.js';
import { runTraining, type TrainingOutcome } from '../run-training.js';
import type { DemoPhotos, PhotoSet } from './photos.js';

/** One training of the main job. */
export interface DemoTraining {
  readonly label: string;
  readonly seed: number;
  readonly epochs: number;
  /** Where its results go; the folder appears when they are whole. */
  readonly runDir: string;
}

/** The article's learning rate is 1e-4 for 15 epochs and more; a few epochs need larger steps, but not so large that accuracy jumps about. */
const learningRate = 3e-4;
const imageSize = 100;
const batchSize = 32;

/** Trains through the trainer's gRPC and fetches the results by digest. */
export async function trainModel(
  trainer: Channel,
  photos: DemoPhotos,
  training: DemoTraining,
  progress: Progress,
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const send = async ({ root, paths }: PhotoSet): Promise<string> => {
    const dataset = await describeDataset(root, paths);
    await uploadBlobs(trainer, dataset.blobs, signal);
    return dataset.sha256;
  };
  const outcome = await runTraining(
    trainer,
    {
      datasetSha256: await send(photos.training),
      validationDatasetSha256: await send(photos.validation),
      testDatasetSha256: '',
      options: {
        model: 'reference',
        imageSize,
        epochs: training.epochs,
        batchSize,
        learningRate,
        seed: BigInt(training.seed),
        engine: 'auto',
        augmentation: undefined,
        validationShare: 0,
      },
    },
    progress,
    signal,
    `training ${training.label}`,
  );
  await writeFolder(training.runDir, (folder) => fetchArtifacts(trainer, outcome.job.artifacts, folder, signal));
  return outcome;
}
