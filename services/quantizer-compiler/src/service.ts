import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileStore } from '@atoll/artifacts/file-store';
import { blobService } from '@atoll/artifacts/serve';
import type { Clock } from '@atoll/base/clock';
import type { Running } from '@atoll/base/lifecycle';
import type { Logger } from '@atoll/base/log';
import { JobTable } from '@atoll/jobs/job-table';
import { QuantizerServiceService } from '@atoll/proto/atoll/v1/quantizer';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import { codeDigest } from './cache/code-digest.js';
import { openResultCache } from './cache/result-cache.js';
import type { QuantizerCompilerConfig } from './config.js';
import { compilerJobRunner } from './job/compiler-job.js';
import { inspectInChild } from './job/inspect-in-child.js';
import type { CompilerEvent } from './job/messages.js';
import { cancelQuantization } from './rpc/cancel-quantization.js';
import { getQuantization } from './rpc/get-quantization.js';
import { inspectModel } from './rpc/inspect-model.js';
import { startQuantization } from './rpc/start-quantization.js';
import { watchQuantization } from './rpc/watch-quantization.js';

export type { QuantizerCompilerConfig } from './config.js';

/** What the quantizer-compiler takes from whoever starts it. */
export interface QuantizerCompilerDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** Starts the quantizer-compiler; stop() cancels what runs and waits for its child processes. */
export async function startQuantizerCompiler(
  config: QuantizerCompilerConfig,
  { log, clock }: QuantizerCompilerDeps,
): Promise<Running> {
  const workRoot = join(config.dataDir, 'work');
  // Whatever a service that was killed has left of its jobs is of no use to anybody.
  await rm(workRoot, { recursive: true, force: true });
  await mkdir(workRoot, { recursive: true });
  const store = await openFileStore(join(config.dataDir, 'blobs'));
  const jobs = new JobTable<CompilerEvent>({
    maxRunning: config.maxRunningJobs,
    maxQueued: 32,
    maxFinished: 100,
    clock,
    log,
  });
  const cache = await openResultCache({ folder: config.results.folder, bounds: config.results, store, clock, log });
  const context = {
    store,
    codeDigest: await codeDigest(),
    libraries: config.libraries,
    compiler: { named: config.edgeTpuCompiler, searchPath: config.searchPath },
    compilerTimeoutMs: config.compilerTimeoutMs,
  };
  const runner = compilerJobRunner({
    workRoot,
    store,
    cache,
    timeoutMs: config.jobTimeoutMs,
    log,
    env: config.childEnv,
  });
  const quantizer = bindService(QuantizerServiceService, {
    startQuantization: startQuantization(jobs, context, cache, runner),
    watchQuantization: watchQuantization(jobs),
    cancelQuantization: cancelQuantization(jobs),
    getQuantization: getQuantization(jobs),
    inspectModel: inspectModel(store, inspectInChild(config.childEnv, log)),
  });
  const server = await startServer({ listen: config.listen, services: [quantizer, blobService(store)], log });
  return {
    address: server.address,
    stop: async () => {
      await jobs.stop();
      await server.stop();
    },
  };
}
