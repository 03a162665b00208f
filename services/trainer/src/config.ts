import { join } from 'node:path';
import { type Env, EnvReader } from '@atoll/base/env';
import { type LogLevel, logLevels } from '@atoll/base/log';

/** What the trainer is started with. */
export interface TrainerConfig {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  /** A folder of the trainer's own: blobs, and the work of running jobs. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** Trainings that run at the same time; each takes all cores it can get. */
  readonly maxRunningJobs: number;
  /** The environment of a job's child process, whole. */
  readonly childEnv: Env;
}

/** Reads the environment; throws with every fault at once. */
export function readConfig(env: Env): TrainerConfig {
  const reader = new EnvReader(env, 'ATOLL_TRAINER_');
  const config: TrainerConfig = {
    listen: reader.text('ATOLL_TRAINER_LISTEN', '127.0.0.1:7401'),
    dataDir: join(reader.text('ATOLL_DATA_DIR', '.atoll'), 'trainer'),
    logLevel: reader.choice('ATOLL_LOG', 'info', logLevels),
    maxRunningJobs: reader.integer('ATOLL_TRAINER_MAX_RUNNING_JOBS', 1, 1, 64),
    childEnv: env,
  };
  reader.done();
  return Object.freeze(config);
}
