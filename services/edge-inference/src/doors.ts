/*
 * The ways into a node: gRPC with the Open Inference Protocol and Atoll's own service, and HTTP with the same, health and metrics.
 * A module of its own because it is a third of what a node loads, and a node that starts has its first model tried meanwhile.
 */
import type { Logger } from '@atoll/base/log';
import { InferenceServiceService } from '@atoll/proto/atoll/v1/inference';
import { bindService } from '@atoll/rpc/handlers';
import { maxMessageBytes } from '@atoll/rpc/limits';
import { startServer } from '@atoll/rpc/server';
import type { Guard } from './access/guard.js';
import { atollVersion } from './atoll-version.js';
import type { BackendChoices } from './backends/backend-choices.js';
import type { EdgeInferenceConfig } from './config.js';
import { createHandlers } from './http/handlers.js';
import { defaultHttpLimits, startHttp } from './http/http-server.js';
import type { Readiness } from './infer/readiness.js';
import type { Inference } from './inference.js';
import { createNodeMetrics } from './metrics/node-metrics.js';
import type { Repository } from './models/repository/repository.js';
import { control } from './rpc/control.js';
import { describeModels } from './rpc/describe-models.js';
import { explain } from './rpc/explain.js';
import { createHealthReport, type HealthReport } from './rpc/health-report.js';
import { openInference } from './rpc/open-inference.js';
import { decodePhotoOfStream, predictStream } from './rpc/predict-stream.js';
import { predict } from './rpc/predict.js';
import type { SlotPool } from './runtime/pool.js';
import type { SwapManager } from './swap/manager.js';

const { predictStream: stream, ...others } = InferenceServiceService;
/** The generated service, but for what is checked before a photo of a stream is decoded. */
const definition = { ...others, predictStream: { ...stream, requestDeserialize: decodePhotoOfStream } };

/** What is behind the doors. */
export interface DoorsDeps {
  readonly inference: Inference;
  readonly manager: SwapManager;
  readonly pool: SlotPool;
  readonly repository: Repository;
  readonly readiness: Readiness;
  readonly backends: BackendChoices | undefined;
  readonly guard: Guard;
  /** Ends of runtime processes that nobody asked for. */
  readonly restarts: () => number;
  readonly log: Logger;
}

/** Open doors. */
export interface Doors {
  /** host:port of gRPC. */
  readonly address: string;
  /** host:port of HTTP; undefined when not asked for. */
  readonly http: string | undefined;
  readonly health: HealthReport;
  stop(): Promise<void>;
}

/** Opens both; when one cannot be opened neither stays open. */
export async function openDoors(config: EdgeInferenceConfig, deps: DoorsDeps): Promise<Doors> {
  const { inference, manager, pool, repository, readiness, backends, guard, restarts, log } = deps;
  const one = predict(inference);
  const own = bindService(
    definition,
    {
      predict: one,
      predictStream: predictStream(one),
      describeModels: describeModels(manager, backends),
      explain: explain({ manager, inference, pool, backends, backendRule: config.backend }),
      ...control(manager, repository),
    },
    { longRequests: ['predict', 'predictStream'] },
  );
  const open = openInference({ inference, manager, repository, readiness, slots: pool.size });
  const tls = guard.tls === undefined ? {} : { tls: guard.tls };
  const server = await startServer({
    listen: config.listen,
    services: [own, open],
    log,
    drainMs: config.drainMs,
    untakenMs: config.untakenMs,
    silentMs: config.silentStreamMs,
    ...tls,
    ...(guard.authorizeCall === undefined ? {} : { authorize: guard.authorizeCall }),
  });
  const health = createHealthReport(server, readiness);
  if (config.httpListen === undefined) {
    return { address: server.address, http: undefined, health, stop: () => server.stop() };
  }
  const metrics = createNodeMetrics({ manager, inference, pool, restarts, release: atollVersion });
  try {
    const http = await startHttp({
      listen: config.httpListen,
      handlers: createHandlers({ inference, manager, repository, metrics, readiness, slots: pool.size }),
      limits: defaultHttpLimits(maxMessageBytes),
      log,
      drainMs: config.drainMs,
      authorize: guard.authorizeRequest,
      ...tls,
    });
    const stop = async (): Promise<void> => {
      await http.stop();
      await server.stop();
    };
    return { address: server.address, http: http.address, health, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
