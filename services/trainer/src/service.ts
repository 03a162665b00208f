import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileStore } from '@atoll/artifacts/file-store';
import { blobService } from '@atoll/artifacts/serve';
import type { Clock } from '@atoll/base/clock';
import type { Running } from '@atoll/base/lifecycle';
import type { Logger } from '@atoll/base/log';
import { JobTable } from '@atoll/jobs/job-table';
import { TrainerServiceService } from '@atoll/proto/atoll/v1/trainer';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import type { TrainerConfig } from './config.js';
import type { TrainingEvent } from './job/messages.js';
import { trainingJobRunner } from './job/training-job.js';
import { cancelTraining } from './rpc/cancel-training.js';
import { getTraining } from './rpc/get-training.js';
import { startTraining } from './rpc/start-training.js';
import { watchTraining } from './rpc/watch-training.js';

export type { TrainerConfig } from './config.js';

/** What the trainer takes from whoever starts it. */
export interface TrainerDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** Starts the trainer; stop() cancels what runs and waits for its child processes. */
export async function startTrainer(config: TrainerConfig, { log, clock }: TrainerDeps): Promise<Running> {
  const workRoot = join(config.dataDir, 'work');
  // Whatever a trainer that was killed has left of its jobs is of no use to anybody.
  await rm(workRoot, { recursive: true, force: true });
  await mkdir(workRoot, { recursive: true });
  const store = await openFileStore(join(config.dataDir, 'blobs'));
  const jobs = new JobTable<TrainingEvent>({
    maxRunning: config.maxRunningJobs,
    maxQueued: 32,
    maxFinished: 100,
    clock,
    log,
  });
  const runner = trainingJobRunner({ workRoot, store, log, env: config.childEnv });
  const trainer = bindService(TrainerServiceService, {
    startTraining: startTraining(jobs, store, runner),
    watchTraining: watchTraining(jobs),
    cancelTraining: cancelTraining(jobs),
    getTraining: getTraining(jobs),
  });
  const server = await startServer({ listen: config.listen, services: [trainer, blobService(store)], log });
  return {
    address: server.address,
    stop: async () => {
      await jobs.stop();
      await server.stop();
    },
  };
}
