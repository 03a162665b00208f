import { type Augmentation, checkAugmentation } from '../augment/augmentation.js';
import type { EngineChoice } from '../engine/choose-engine.js';
import { engineNames } from '../engine/engine.js';
import { AtollError } from '@atoll/base/error';
import { nearestName } from '@atoll/base/nearest';

/** How to train, whole and checked. */
export interface TrainingSettings {
  readonly model: 'reference';
  readonly imageSize: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly engine: EngineChoice;
  readonly augmentation: Augmentation;
  /** Share of the data set that validates when no validation set is given. */
  readonly validationShare: number;
}

/** What holds where nothing is said. */
export const defaultSettings: TrainingSettings = {
  model: 'reference',
  imageSize: 100,
  epochs: 15,
  batchSize: 32,
  learningRate: 5e-4,
  seed: 1,
  engine: 'auto',
  augmentation: { zoom: 0, rotateDegrees: 0, shearDegrees: 0 },
  validationShare: 0.2,
};

/** One batch in float32 stays below 256 MiB; what the network makes of it is about 15 times as much. */
const maxBatchValues = 64 * 1024 * 1024;

/** What may be asked for: names as given, numbers unchecked. */
export type AskedSettings = Omit<TrainingSettings, 'model' | 'engine'> & {
  readonly model: string;
  readonly engine: string;
};

/** Refuses (INVALID_ARGUMENT) the first setting that is out of bounds. */
export function checkSettings(asked: AskedSettings): TrainingSettings {
  within('image size', asked.imageSize, 22, 512);
  within('epochs', asked.epochs, 1, 10_000);
  within('batch size', asked.batchSize, 1, Math.min(1_024, Math.floor(maxBatchValues / (asked.imageSize ** 2 * 3))));
  within('seed', asked.seed, 0, Number.MAX_SAFE_INTEGER);
  if (!(asked.learningRate > 0 && asked.learningRate <= 1))
    throw refuse('learning rate', asked.learningRate, '0 and 1');
  if (!(asked.validationShare > 0 && asked.validationShare <= 0.5)) {
    throw refuse('validation share', asked.validationShare, '0 and 0.5');
  }
  checkAugmentation(asked.augmentation);
  return {
    ...asked,
    model: oneOf('model', asked.model, ['reference']),
    engine: oneOf('engine', asked.engine, ['auto', ...engineNames]),
  };
}

function within(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) throw refuse(name, value, `${low} and ${high}`);
}

function oneOf<const T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const near = nearestName(value, choices);
  const hint = near === undefined ? `the choices are ${choices.join(', ')}` : `did you mean ${near}?`;
  throw new AtollError('INVALID_ARGUMENT', `cannot train with ${name} ${JSON.stringify(value)}: ${hint}`);
}

function refuse(name: string, value: number, bounds: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot train with ${name} ${value}: it must lie between ${bounds}`);
}
