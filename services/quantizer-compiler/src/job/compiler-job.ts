/** The parent's side of a job: a child process in a folder of its own, whose files become blobs. */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { storeFile } from '@atoll/artifacts/store-file';
import type { BlobStore } from '@atoll/artifacts/store';
import type { Sha256 } from '@atoll/base/digest';
import type { Env } from '@atoll/base/env';
import type { Logger } from '@atoll/base/log';
import type { JobRun } from '@atoll/jobs/job-table';
import { runInChild } from '@atoll/jobs/run-in-child';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { KeptResult, ResultCache } from '../cache/result-cache.js';
import { startDeadline } from './deadline.js';
import type { AskedTask, CompilerEvent, CompilerOutput, CompilerTask } from './messages.js';

/** Where jobs work and what their processes get. */
export interface CompilerJobOptions {
  readonly workRoot: string;
  readonly store: BlobStore;
  readonly cache: ResultCache;
  /** When a conversion or quantization is ended; a compilation has a limit of its own. */
  readonly timeoutMs: number;
  readonly log: Logger;
  readonly env: Env;
}

/** Makes a job of a task that is still without a folder; its result is kept under `key` and, unless `fresh`, taken from there. */
export type CompilerJobRunner = (task: AskedTask, key: Sha256, fresh: boolean) => JobRun<CompilerEvent>;

/** A child notices an abort between two photos, and when the Edge TPU compiler has been ended. */
const graceMs = 2_000;

/** Gives the runner that the service starts jobs with. */
export function compilerJobRunner(options: CompilerJobOptions): CompilerJobRunner {
  const { workRoot, store, cache, timeoutMs, log, env } = options;
  return (task, key, fresh) => async (context) => {
    // An identical job may have ended while this one waited for its turn.
    const kept = fresh ? undefined : await cache.find(key);
    if (kept !== undefined) {
      for (const event of keptEvents(kept)) context.emit(event);
      return kept.artifacts;
    }
    const warnings: string[] = [];
    const workFolder = resolve(workRoot, context.id);
    const deadline = startDeadline('finish the job', task.kind === 'compile' ? undefined : timeoutMs, context.signal);
    try {
      await mkdir(workFolder, { recursive: true });
      const { files, lasting } = await runInChild<CompilerTask, CompilerEvent, CompilerOutput>({
        entry: new URL('main.js', import.meta.url),
        input: { ...task, workFolder },
        onEvent: (event) => {
          if (event.kind === 'warning') warnings.push(event.message);
          context.emit(event);
        },
        signal: deadline.signal,
        graceMs,
        env,
        log: log.with({ job: context.id }),
      });
      const artifacts: Artifact[] = [];
      for (const name of files) artifacts.push(await storeFile(store, join(workFolder, 'out'), name));
      if (lasting) await cache.keep(key, { artifacts, warnings });
      return artifacts;
    } finally {
      deadline.clear();
      await rm(workFolder, { recursive: true, force: true });
    }
  };
}

/** What a job says whose result was kept: that it was, and the warnings that belong to the result. */
export function keptEvents({ warnings }: KeptResult): readonly CompilerEvent[] {
  return [{ kind: 'kept' }, ...warnings.map((message) => ({ kind: 'warning', message }) as const)];
}
