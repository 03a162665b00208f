import { join } from 'node:path';
import type { CachePaths } from '@atoll/base/cache';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { EnvReader } from '@atoll/base/env';
import type { LogLevel } from '@atoll/base/log';
import { logLevels } from '@atoll/base/log';
import type { BackendChoice, Libraries } from '@atoll/runtime/open';
import type { DevicesConfig } from './config/devices.js';
import { defaultDevices, readDevices } from './config/devices.js';
import type { TraceConfig } from './config/trace.js';
import { readTrace } from './config/trace.js';
import type { SwapConfig } from './config/swap.js';
import { defaultSwap, readSwap } from './config/swap.js';
import type { SecurityConfig } from './access/security-config.js';
import { noSecurity, readSecurity } from './access/security-config.js';
import type { ModelFile } from './models/from-file.js';

/** How a node belongs to a fleet. */
export interface FleetConfig {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly registry: string;
  /** host:port each of servers of blobs that are asked before the registry. */
  readonly blobSources: readonly string[];
  readonly natsUrl: string;
  readonly natsCredentialsPath: string;
  readonly nodeKeyPath: string;
  readonly buildKeysPath: string;
  readonly directorKeysPath: string;
  /** A folder of this node's own. */
  readonly dataDir: string;
  /** How others reach the gRPC server; undefined = where it listens. */
  readonly address: string | undefined;
}

/** What a node is started with. */
export interface EdgeInferenceConfig {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  /** host:port of health and metrics over HTTP; undefined = none. */
  readonly httpListen: string | undefined;
  readonly logLevel: LogLevel;
  readonly backend: BackendChoice;
  readonly libraries: Libraries;
  /** LD_LIBRARY_PATH of the runtime processes. */
  readonly libraryPath: string | undefined;
  /** Edge TPUs, with a runtime process each; none where the backend is another. */
  readonly devices: DevicesConfig;
  /** Runtime processes for the CPU; each holds every model and runs one request at a time. */
  readonly slots: number;
  /** Threads of one run. */
  readonly threads: number;
  /** Requests of one model that may wait. */
  readonly queueLimit: number;
  /** Megabytes that one runtime process may hold; undefined = no bound. */
  readonly childMemoryMb: number | undefined;
  /** A run that takes longer ends its runtime process. */
  readonly invokeTimeoutMs: number;
  /** What the trial of a new version may take in all. */
  readonly probeTimeoutMs: number;
  /** What its median run may take. */
  readonly probeBudgetMs: number;
  /** How long stop() lets calls finish. */
  readonly drainMs: number;
  /** How long a gRPC caller has to take a message of an answer, or up to twice. */
  readonly untakenMs: number;
  /** How long a stream of requests stays without a message of either side, or up to twice. */
  readonly silentStreamMs: number;
  /** Models served from files, as version 1. */
  readonly models: readonly ModelFile[];
  /** Folder of models as MODEL/VERSION/model.tflite; undefined = none. */
  readonly repository: string | undefined;
  readonly swap: SwapConfig;
  /** Who may call, and how. */
  readonly security: SecurityConfig;
  /** Folder where trials of backends are kept; undefined = none are made. */
  readonly backendTrials: string | undefined;
  /** How long after a start or a swap they wait. */
  readonly trialsSettleMs: number;
  /** Where spans of requests go; undefined = nowhere. */
  readonly trace: TraceConfig | undefined;
  /** Undefined for a node that stands alone. */
  readonly fleet: FleetConfig | undefined;
}

/** Every setting of a node that stands alone and listens on any free port of the loopback; spread over it what differs. */
export function standaloneConfig(cache: Pick<CachePaths, 'liteRt' | 'tfLite'>): EdgeInferenceConfig {
  return {
    listen: '127.0.0.1:0',
    httpListen: undefined,
    logLevel: 'info',
    backend: 'auto',
    libraries: { liteRt: cache.liteRt, tfLite: cache.tfLite },
    libraryPath: undefined,
    devices: defaultDevices,
    slots: 1,
    threads: 1,
    queueLimit: 64,
    childMemoryMb: undefined,
    invokeTimeoutMs: 10_000,
    probeTimeoutMs: 60_000,
    probeBudgetMs: 2_000,
    drainMs: 10_000,
    untakenMs: 60_000,
    silentStreamMs: 600_000,
    models: [],
    repository: undefined,
    swap: defaultSwap,
    security: noSecurity,
    backendTrials: undefined,
    trialsSettleMs: 30_000,
    trace: undefined,
    fleet: undefined,
  };
}

/** True for a node that has models to try before it serves. */
export function triesAtStart({ models, repository }: EdgeInferenceConfig): boolean {
  return models.length > 0 || repository !== undefined;
}

/** Reads the environment; throws with every fault at once. A node belongs to a fleet when ATOLL_EDGE_INFERENCE_NODE_ID is set. */
export function readConfig(env: Env): EdgeInferenceConfig {
  const reader = new EnvReader(env, 'ATOLL_EDGE_INFERENCE_');
  const defaults = standaloneConfig(cachePaths(env));
  const edgeTpu = reader.optionalText('ATOLL_EDGE_INFERENCE_EDGE_TPU_LIBRARY');
  const listen = reader.text('ATOLL_EDGE_INFERENCE_LISTEN', '127.0.0.1:7411');
  const config: EdgeInferenceConfig = {
    listen,
    httpListen: reader.optionalText('ATOLL_EDGE_INFERENCE_HTTP_LISTEN') ?? httpBeside(listen),
    logLevel: reader.choice('ATOLL_LOG', 'info', logLevels),
    backend: reader.choice('ATOLL_EDGE_INFERENCE_BACKEND', 'auto', ['auto', 'native', 'wasm', 'edgetpu']),
    libraries: { ...defaults.libraries, ...(edgeTpu === undefined ? {} : { edgeTpu }) },
    libraryPath: env['LD_LIBRARY_PATH'],
    devices: readDevices(reader),
    slots: reader.integer('ATOLL_EDGE_INFERENCE_SLOTS', defaults.slots, 1, 64),
    threads: reader.integer('ATOLL_EDGE_INFERENCE_THREADS', defaults.threads, 1, 64),
    queueLimit: reader.integer('ATOLL_EDGE_INFERENCE_QUEUE_LIMIT', defaults.queueLimit, 1, 100_000),
    childMemoryMb: reader.integer('ATOLL_EDGE_INFERENCE_CHILD_MEMORY_MB', 0, 0, 1_000_000) || undefined,
    invokeTimeoutMs: reader.integer('ATOLL_EDGE_INFERENCE_INVOKE_TIMEOUT_MS', defaults.invokeTimeoutMs, 10, 600_000),
    probeTimeoutMs: reader.integer('ATOLL_EDGE_INFERENCE_PROBE_TIMEOUT_MS', defaults.probeTimeoutMs, 100, 3_600_000),
    probeBudgetMs: reader.integer('ATOLL_EDGE_INFERENCE_PROBE_BUDGET_MS', defaults.probeBudgetMs, 1, 600_000),
    drainMs: reader.integer('ATOLL_EDGE_INFERENCE_DRAIN_MS', defaults.drainMs, 0, 600_000),
    untakenMs: reader.integer('ATOLL_EDGE_INFERENCE_UNTAKEN_MS', defaults.untakenMs, 100, 3_600_000),
    silentStreamMs: reader.integer('ATOLL_EDGE_INFERENCE_SILENT_STREAM_MS', defaults.silentStreamMs, 1_000, 86_400_000),
    models: reader.pairs('ATOLL_EDGE_INFERENCE_MODELS').map(([name, path]) => ({ name, path })),
    repository: reader.optionalText('ATOLL_EDGE_INFERENCE_REPOSITORY'),
    swap: readSwap(reader),
    security: readSecurity(reader),
    backendTrials:
      reader.choice('ATOLL_EDGE_INFERENCE_BACKEND_TRIALS', 'on', ['on', 'off']) === 'on'
        ? join(cachePaths(env).root, 'backend-trials')
        : undefined,
    trialsSettleMs: defaults.trialsSettleMs,
    trace: readTrace(reader),
    fleet: readFleet(reader),
  };
  reader.done();
  return Object.freeze(config);
}

function readFleet(reader: EnvReader): FleetConfig | undefined {
  const nodeId = reader.optionalText('ATOLL_EDGE_INFERENCE_NODE_ID');
  // Read in any case, so that the names are known and a wrong one is told beside its nearest.
  const given = {
    labels: Object.fromEntries(reader.pairs('ATOLL_EDGE_INFERENCE_LABELS')),
    address: reader.optionalText('ATOLL_EDGE_INFERENCE_ADDRESS'),
    dataDir: reader.text('ATOLL_DATA_DIR', '.atoll'),
    blobSources: (reader.optionalText('ATOLL_EDGE_INFERENCE_BLOB_SOURCES') ?? '')
      .split(',')
      .filter((one) => one !== ''),
  };
  const required = nodeId === undefined ? '' : undefined;
  const fleet = {
    registry: reader.text('ATOLL_EDGE_INFERENCE_REGISTRY', required ?? '127.0.0.1:7403'),
    natsUrl: reader.text('ATOLL_NATS_URL', required),
    natsCredentialsPath: reader.text('ATOLL_EDGE_INFERENCE_NATS_CREDENTIALS', required),
    nodeKeyPath: reader.text('ATOLL_EDGE_INFERENCE_NODE_KEY', required),
    buildKeysPath: reader.text('ATOLL_EDGE_INFERENCE_BUILD_KEYS', required),
    directorKeysPath: reader.text('ATOLL_EDGE_INFERENCE_DIRECTOR_KEYS', required),
  };
  if (nodeId === undefined) return undefined;
  return { nodeId, ...given, dataDir: join(given.dataDir, 'nodes', nodeId), ...fleet };
}

/** Health and metrics have their port 100 above the gRPC port; none beside a Unix socket, any free one beside port 0. */
function httpBeside(listen: string): string | undefined {
  const match = /^(.*):(\d+)$/.exec(listen);
  if (match === null || listen.startsWith('unix:')) return undefined;
  const port = Number(match[2]);
  return `${match[1]}:${port === 0 ? 0 : port + 100}`;
}
