/** The entry of a training's own child process, started by the service through @atoll/jobs. */
import { systemClock } from '@atoll/base/clock';
import { serveJob } from '@atoll/jobs/child';
import { engineLoaders } from '../engine/engine-loaders.js';
import type { TrainingEvent, TrainingOutput, TrainingTask } from './messages.js';
import { runTraining } from './run-training.js';

serveJob<TrainingTask, TrainingEvent, TrainingOutput>((task, emit, signal) =>
  runTraining(task, { engines: engineLoaders, clock: systemClock }, emit, signal),
);
