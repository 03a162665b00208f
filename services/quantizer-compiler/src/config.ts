import { join } from 'node:path';
import { type CachePaths, cachePaths } from '@atoll/base/cache';
import { type Env, EnvReader } from '@atoll/base/env';
import { type LogLevel, logLevels } from '@atoll/base/log';

/** What the quantizer-compiler is started with. */
export interface QuantizerCompilerConfig {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  /** A folder of the service's own: blobs, and the work of running jobs. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly maxRunningJobs: number;
  /** Results of earlier jobs, given again to an identical request. */
  readonly results: { readonly folder: string; readonly maxEntries: number; readonly maxBytes: number };
  /** When a conversion or quantization is ended. */
  readonly jobTimeoutMs: number;
  /** The libraries that run models while calibrating and comparing. */
  readonly libraries: Pick<CachePaths, 'liteRt' | 'tfLite'>;
  /** The operator's Edge TPU compiler, or null to look for it on `searchPath`. */
  readonly edgeTpuCompiler: string | null;
  /** Folders of programs, as in PATH. */
  readonly searchPath: string;
  /** When a run of that compiler is ended. */
  readonly compilerTimeoutMs: number;
  /** The environment of a job's child process, whole. */
  readonly childEnv: Env;
}

/** Reads the environment; throws with every fault at once. */
export function readConfig(env: Env): QuantizerCompilerConfig {
  const reader = new EnvReader(env, 'ATOLL_QUANTIZER_COMPILER_');
  const { liteRt, tfLite } = cachePaths(env);
  const dataDir = join(reader.text('ATOLL_DATA_DIR', '.atoll'), 'quantizer-compiler');
  const config: QuantizerCompilerConfig = {
    listen: reader.text('ATOLL_QUANTIZER_COMPILER_LISTEN', '127.0.0.1:7402'),
    dataDir,
    logLevel: reader.choice('ATOLL_LOG', 'info', logLevels),
    maxRunningJobs: reader.integer('ATOLL_QUANTIZER_COMPILER_MAX_RUNNING_JOBS', 1, 1, 64),
    results: {
      folder: join(dataDir, 'results'),
      maxEntries: 1000,
      maxBytes: 1024 * 1024 * reader.integer('ATOLL_QUANTIZER_COMPILER_KEPT_RESULTS_MB', 1024, 0, 1_000_000),
    },
    jobTimeoutMs: 1000 * reader.integer('ATOLL_QUANTIZER_COMPILER_JOB_TIMEOUT_S', 3600, 1, 86_400),
    libraries: { liteRt, tfLite },
    edgeTpuCompiler: reader.optionalText('EDGETPU_COMPILER') ?? null,
    searchPath: env['PATH'] ?? '',
    compilerTimeoutMs: 1000 * reader.integer('ATOLL_QUANTIZER_COMPILER_TIMEOUT_S', 600, 1, 86_400),
    childEnv: env,
  };
  reader.done();
  return Object.freeze(config);
}
