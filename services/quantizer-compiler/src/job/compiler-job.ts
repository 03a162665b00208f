/** The parent's side of a job: a child process in a folder of its own, whose files become blobs. */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { storeFile } from '@atoll/artifacts/store-file';
import type { BlobStore } from '@atoll/artifacts/store';
import type { Env } from '@atoll/base/env';
import type { Logger } from '@atoll/base/log';
import type { JobRun } from '@atoll/jobs/job-table';
import { runInChild } from '@atoll/jobs/run-in-child';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { AskedTask, CompilerEvent, CompilerOutput, CompilerTask } from './messages.js';

/** Where jobs work and what their processes get. */
export interface CompilerJobOptions {
  readonly workRoot: string;
  readonly store: BlobStore;
  readonly log: Logger;
  readonly env: Env;
}

/** Makes a job of a task that is still without a folder. */
export type CompilerJobRunner = (task: AskedTask) => JobRun<CompilerEvent>;

/** A child notices an abort between two photos, and when the Edge TPU compiler has been ended. */
const graceMs = 2_000;

/** Gives the runner that the service starts jobs with. */
export function compilerJobRunner({ workRoot, store, log, env }: CompilerJobOptions): CompilerJobRunner {
  return (task) => async (context) => {
    const workFolder = resolve(workRoot, context.id);
    try {
      await mkdir(workFolder, { recursive: true });
      const { files } = await runInChild<CompilerTask, CompilerEvent, CompilerOutput>({
        entry: new URL('main.js', import.meta.url),
        input: { ...task, workFolder },
        onEvent: context.emit,
        signal: context.signal,
        graceMs,
        env,
        log: log.with({ job: context.id }),
      });
      const artifacts: Artifact[] = [];
      for (const name of files) artifacts.push(await storeFile(store, join(workFolder, 'out'), name));
      return artifacts;
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  };
}
