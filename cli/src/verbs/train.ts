import { type Command, Option } from 'commander';
import type { Machine } from '../machine.js';
import type { Context } from '../context.js';
import { localTrainer } from '../local-trainer.js';
import { withService } from '../local-service.js';
import { fetchArtifacts, refuseUsedFolder, writeFolder } from '../output-files.js';
import { type AugmentOption, augmentation, integer, number } from '../parse-option.js';
import { runTraining } from '../run-training.js';
import { sendDataset } from '../send-dataset.js';
import { action, addVerb } from '../verb.js';

interface TrainOptions {
  readonly data: string;
  readonly out: string;
  readonly val?: string;
  readonly test?: string;
  readonly model: string;
  readonly size: number;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  readonly engine: string;
  readonly augment: AugmentOption;
}

const articleAugmentation = 'zoom=.3,rotate=25,shear=.1';

/** `atoll train`. */
export function addTrain(program: Command, machine: Machine): void {
  addVerb(
    program,
    'train',
    'train an image classifier from photos in folders, one folder a class',
    'atoll train --data photos/train --test photos/test --out runs/first --epochs 3',
  )
    .requiredOption('--data <dir>', 'photos to train on, one folder a class')
    .requiredOption('--out <run>', 'folder for the results; it must not be there yet, or be empty')
    .option('--val <dir>', 'photos to validate on (default: a seeded share of the data)')
    .option('--test <dir>', 'photos to test on; may be flat and unlabelled')
    .addOption(new Option('--model <name>', 'the network').choices(['reference']).default('reference'))
    .option('--size <pixels>', "width and height of the network's input", integer(16, 1024), 100)
    .option('--epochs <n>', 'passes over the photos', integer(1, 10_000), 15)
    .option('--batch <n>', 'photos a step', integer(1, 1024), 32)
    .option('--lr <rate>', "Adam's learning rate", number(1e-8, 10), 5e-4)
    .option('--seed <n>', 'seed of split, weights, order, dropout and augmentation', integer(1, 2 ** 31 - 1), 1)
    .addOption(new Option('--engine <name>', 'what trains').choices(['auto', 'tfjs-node', 'wasm']).default('auto'))
    .addOption(
      new Option('--augment <ranges>', 'random changes of the training photos, or none')
        .argParser(augmentation)
        .default(augmentation(articleAugmentation), articleAugmentation),
    )
    .action(action<TrainOptions>(machine, train));
}

async function train(context: Context, options: TrainOptions): Promise<void> {
  const { progress, signal } = context;
  await refuseUsedFolder(options.out);
  await withService(context, localTrainer(context), async (channel) => {
    const data = await sendDataset(channel, options.data, progress, signal);
    const optional = async (dir: string | undefined): Promise<string> =>
      dir === undefined ? '' : (await sendDataset(channel, dir, progress, signal)).sha256;
    const validation = await optional(options.val);
    const test = await optional(options.test);
    const { job, dataset, epochs, warnings } = await runTraining(
      channel,
      {
        datasetSha256: data.sha256,
        validationDatasetSha256: validation,
        testDatasetSha256: test,
        options: {
          model: options.model,
          imageSize: options.size,
          epochs: options.epochs,
          batchSize: options.batch,
          learningRate: options.lr,
          seed: BigInt(options.seed),
          engine: options.engine,
          augmentation: options.augment,
          validationShare: 0,
        },
      },
      progress,
      signal,
    );
    await writeFolder(options.out, (folder) => fetchArtifacts(channel, job.artifacts, folder, signal));
    const last = epochs.at(-1);
    context.result(
      {
        run: options.out,
        files: job.artifacts.map(({ name }) => name),
        classes: dataset.classes,
        images: {
          training: dataset.trainingImages,
          validation: dataset.validationImages,
          test: dataset.testImages,
          skipped: dataset.skipped,
        },
        engine: dataset.engine,
        parameters: dataset.parameters,
        epoch: epochs.map(({ validationLoss, validationAccuracy, ...rest }) => ({
          ...rest,
          valLoss: validationLoss,
          valAccuracy: validationAccuracy,
        })),
        warnings,
      },
      `Trained ${epochs.length} epochs; validation accuracy ${(last?.validationAccuracy ?? 0).toFixed(3)}.\n` +
        `Results are in ${options.out}`,
    );
  });
}
