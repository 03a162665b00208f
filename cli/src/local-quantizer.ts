import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { startQuantizerCompiler } from '@atoll/quantizer-compiler/service';
import type { Context } from './context.js';
import type { StartLocal } from './local-service.js';

/** Ten minutes: when the operator's Edge TPU compiler is ended, unless more is asked for. */
export const compilerTimeoutMs = 600_000;

/** An hour: when a conversion or quantization is ended. */
const jobTimeoutMs = 3_600_000;

/** What tools keep of their results, beside the native parts: whoever repeats a command gets the result of the first. */
const keptResults = { maxEntries: 200, maxBytes: 512 * 1024 * 1024 };

/** How a tool starts a quantizer-compiler of its own; `compiler` is the operator's Edge TPU compiler, where one is named. */
export function localQuantizer(context: Context, compiler?: string, timeoutMs = compilerTimeoutMs): StartLocal {
  const { root, liteRt, tfLite } = cachePaths(context.env);
  return (listen, dataDir) =>
    startQuantizerCompiler(
      {
        listen,
        dataDir,
        logLevel: 'error',
        maxRunningJobs: 1,
        results: { folder: join(root, 'quantizer-results'), ...keptResults },
        jobTimeoutMs,
        libraries: { liteRt, tfLite },
        edgeTpuCompiler: compiler ?? (context.env['EDGETPU_COMPILER'] || null),
        searchPath: context.env['PATH'] ?? '',
        compilerTimeoutMs: timeoutMs,
        childEnv: context.env,
      },
      { log: context.log, clock: systemClock },
    );
}
