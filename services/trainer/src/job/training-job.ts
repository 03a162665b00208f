/** The parent's side of a training: a child process in a folder of its own, whose files become blobs. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Env } from '@atoll/base/env';
import type { Logger } from '@atoll/base/log';
import { storeFile } from '@atoll/artifacts/store-file';
import type { BlobStore } from '@atoll/artifacts/store';
import type { JobContext, JobRun } from '@atoll/jobs/job-table';
import { runInChild } from '@atoll/jobs/run-in-child';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { TrainingEvent, TrainingOutput, TrainingTask } from './messages.js';

/** Where jobs work and what their processes get. */
export interface TrainingJobOptions {
  readonly workRoot: string;
  readonly store: BlobStore;
  readonly log: Logger;
  readonly env: Env;
}

/** Makes a job of a task that is still without a folder. */
export type TrainingJobRunner = (task: Omit<TrainingTask, 'workFolder'>) => JobRun<TrainingEvent>;

/** How long a child may take to end before it is killed: a step of training hears nothing for up to a second or two. */
const graceMs = 3_000;

/** oneDNN is what makes TensorFlow fast; by itself it is on only on processors with instructions for neural networks. */
const childDefaults: Env = { TF_CPP_MIN_LOG_LEVEL: '2', TF_ENABLE_ONEDNN_OPTS: '1' };

/** Gives the runner that the service starts jobs with. */
export function trainingJobRunner({ workRoot, store, log, env }: TrainingJobOptions): TrainingJobRunner {
  return (task) => async (context: JobContext<TrainingEvent>) => {
    const workFolder = resolve(workRoot, context.id);
    try {
      const { files } = await runInChild<TrainingTask, TrainingEvent, TrainingOutput>({
        entry: new URL('main.js', import.meta.url),
        input: { ...task, workFolder },
        onEvent: context.emit,
        signal: context.signal,
        graceMs,
        env: { ...childDefaults, ...env },
        log: log.with({ job: context.id }),
      });
      const artifacts: Artifact[] = [];
      for (const name of files) artifacts.push(await storeFile(store, join(workFolder, 'run'), name));
      return artifacts;
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  };
}
