/** One training from photos to files: the work of a job's child process. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@atoll/base/clock';
import { AtollError, errnoOf } from '@atoll/base/error';
import type { Decoded } from '../dataset/decode-photos.js';
import type { LabelledPhoto } from '../dataset/photo.js';
import { chooseEngine, type EngineLoaders } from '../engine/choose-engine.js';
import type { Engine, TrainingSession } from '../engine/engine.js';
import { confusionOf } from '../export/confusion.js';
import { predictionsOf } from '../export/predictions.js';
import { type RunResults, writeRun } from '../export/write-run.js';
import type { Network } from '../model/network.js';
import { referenceCnn } from '../model/reference-cnn.js';
import { parameterCount } from '../model/shapes.js';
import { initialWeights } from '../model/weights.js';
import { BatchFiller } from './batches.js';
import { Checkpoints } from './checkpoints.js';
import { predictAll } from './evaluate.js';
import { jobRecord } from './job-record.js';
import type { EpochRecord, TrainingEvent, TrainingOutput, TrainingTask } from './messages.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import { trainEpochs } from './train-epochs.js';

/** How many photos predictions.json shows. */
const shownPredictions = 25;

/** What a training needs beside its task. */
export interface TrainingDeps {
  readonly engines: EngineLoaders;
  readonly clock: Clock;
}

type Emit = (event: TrainingEvent) => void;

/** Decodes, trains and writes `run/` in the task's folder; a full disk is RESOURCE_EXHAUSTED in one line. */
export async function runTraining(
  task: TrainingTask,
  deps: TrainingDeps,
  emit: Emit,
  signal: AbortSignal,
): Promise<TrainingOutput> {
  try {
    return await run(task, deps, emit, signal);
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
    throw new AtollError('RESOURCE_EXHAUSTED', 'cannot go on with the training: the disk is full', { cause: error });
  }
}

async function run(task: TrainingTask, deps: TrainingDeps, emit: Emit, signal: AbortSignal): Promise<TrainingOutput> {
  const { settings, classes } = task;
  const network = referenceCnn(settings.imageSize, classes.length);
  // Photos are decoded on other threads while the engine loads on this one.
  const [data, { engine, warning }] = await Promise.all([
    prepareData(task, signal),
    chooseEngine(settings.engine, deps.engines),
  ]);
  try {
    if (warning !== null) emit({ kind: 'warning', message: warning });
    emit(datasetEvent(task, data, engine, network));
    const session = engine.openSession({
      network,
      weights: initialWeights(network, settings.seed),
      learningRate: settings.learningRate,
      seed: settings.seed,
    });
    try {
      return await trainAndWrite({ task, data, engine, network, session, clock: deps.clock }, emit, signal);
    } finally {
      session.dispose();
    }
  } finally {
    await data.cache.close();
    await rm(join(task.workFolder, 'pixels.u8'), { force: true });
  }
}

interface Training {
  readonly task: TrainingTask;
  readonly data: PreparedData;
  readonly engine: Engine;
  readonly network: Network;
  readonly session: TrainingSession;
  readonly clock: Clock;
}

async function trainAndWrite(training: Training, emit: Emit, signal: AbortSignal): Promise<TrainingOutput> {
  const { task, data, network, session, clock } = training;
  const { settings } = task;
  const filler = new BatchFiller(data.cache, settings.imageSize, settings.batchSize);
  const folder = join(task.workFolder, 'run');
  const checkpoints = new Checkpoints(join(folder, 'checkpoints'), network, settings.learningRate);
  const history: EpochRecord[] = [];
  const startedMs = clock.monotonicMs();
  for await (const record of trainEpochs({ session, filler, ...data, settings, clock }, emit, signal)) {
    history.push(record);
    emit({ kind: 'epoch', ...record });
    await checkpoints.keep(record, session.weights());
  }
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  const files = await writeRun(folder, await results(training, filler, history, seconds, signal));
  return { files: [...files, ...checkpoints.names().map((name) => `checkpoints/${name}`)] };
}

/** Judges the trained network: on the test set where it has labels, else on the validation photos. */
async function results(
  training: Training,
  filler: BatchFiller,
  history: readonly EpochRecord[],
  seconds: number,
  signal: AbortSignal,
): Promise<RunResults> {
  const { task, data, engine, network, session } = training;
  const { classes, settings } = task;
  const labelledTest = data.test.filter((photo): photo is Decoded<LabelledPhoto> => photo.label !== null);
  const judged = labelledTest.length > 0 ? labelledTest : data.validation;
  const shown = (data.test.length > 0 ? data.test : data.validation).slice(0, shownPredictions);
  const rowsOf = (photos: typeof data.test) => predictAll(session, photos, filler, settings.batchSize, signal);
  const set = judged === data.validation ? 'validation' : 'test';
  return {
    network,
    weights: session.weights(),
    learningRate: settings.learningRate,
    classes,
    history,
    confusion: confusionOf(set, classes, judged, await rowsOf(judged)),
    predictions: predictionsOf(classes, shown, await rowsOf(shown)),
    record: jobRecord({ task, data, engine, network, seconds }),
  };
}

function datasetEvent(task: TrainingTask, data: PreparedData, engine: Engine, network: Network): TrainingEvent {
  return {
    kind: 'dataset',
    dataVersion: data.dataVersion,
    classes: task.classes,
    trainingImages: data.training.length,
    validationImages: data.validation.length,
    testImages: data.test.length,
    skipped: data.skipped,
    engine: engine.name,
    parameters: parameterCount(network),
  };
}
