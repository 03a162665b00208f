import type { Engine } from '../engine/engine.js';
import type { JsonObject } from '../export/keras-config.js';
import type { Network } from '../model/network.js';
import { parameterCount } from '../model/shapes.js';
import type { TrainingTask } from './messages.js';
import type { PreparedData } from './prepare-data.js';

/** What job.json is made from. */
export interface JobRecordInput {
  readonly task: TrainingTask;
  readonly data: PreparedData;
  readonly engine: Engine;
  readonly network: Network;
  readonly seconds: number;
}

/** job.json: all that is needed to tell what this model was trained on and how, and to train it again. */
export function jobRecord({ task, data, engine, network, seconds }: JobRecordInput): JsonObject {
  const { settings, classes } = task;
  return {
    dataVersion: data.dataVersion,
    classes,
    images: { training: data.training.length, validation: data.validation.length, test: data.test.length },
    split:
      task.validation === null
        ? {
            method: 'seeded hash of each photo, per class',
            seed: settings.seed,
            validationShare: settings.validationShare,
          }
        : { method: 'validation set given' },
    preprocessing: data.preprocessing,
    augmentation: settings.augmentation,
    model: { name: network.name, imageSize: network.imageSize, parameters: parameterCount(network) },
    training: {
      epochs: settings.epochs,
      batchSize: settings.batchSize,
      optimizer: 'adam',
      learningRate: settings.learningRate,
      loss: 'sparse categorical cross-entropy',
    },
    seed: settings.seed,
    engine: engine.name,
    versions: { node: process.versions.node, ...engine.versions },
    seconds,
    skipped: data.skipped,
  };
}
