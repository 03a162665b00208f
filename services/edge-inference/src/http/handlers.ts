/** Who answers what over HTTP. */
import type { Inference } from '../inference.js';
import type { Readiness } from '../infer/readiness.js';
import type { NodeMetrics } from '../metrics/node-metrics.js';
import type { Repository } from '../models/repository/repository.js';
import type { SwapManager } from '../swap/manager.js';
import type { Answer } from './answer.js';
import { textAnswer } from './answer.js';
import type { Exchange } from './exchange.js';
import { infer } from './infer.js';
import { modelConfig, modelMetadata, modelReady, modelStatistics } from './models.js';
import { predict } from './predict.js';
import { repositoryIndex, repositoryLoad, repositoryUnload } from './repository.js';
import type { RouteKind } from './routes.js';
import { serverLive, serverMetadata, serverReady } from './server-status.js';
import { sharedMemoryRegister, sharedMemoryStatus, sharedMemoryUnregister } from './shared-memory.js';

/** Answers one kind of request; what it throws becomes an answer, too. */
export type Handler = (exchange: Exchange) => Promise<Answer>;

/** A handler for every kind. */
export type Handlers = Readonly<Record<RouteKind, Handler>>;

/** What handlers work with. */
export interface HandlerDeps {
  readonly inference: Inference;
  readonly manager: SwapManager;
  readonly repository: Repository;
  readonly metrics: NodeMetrics;
  readonly readiness: Readiness;
  /** Copies of each model that run side by side. */
  readonly slots: number;
}

/** The handlers of a node. */
export function createHandlers(deps: HandlerDeps): Handlers {
  const { inference, manager, repository, metrics, readiness, slots } = deps;
  const text = (status: number, body: string): Answer => textAnswer(status, body, 'text/plain; charset=utf-8');
  return {
    healthz: async () => text(200, 'ok\n'),
    readyz: async () => (readiness.server() ? text(200, 'ok\n') : text(503, 'no model can answer\n')),
    metrics: async () => {
      const { contentType, body } = await metrics.text();
      return textAnswer(200, body, contentType);
    },
    server: serverMetadata,
    live: serverLive,
    ready: serverReady(readiness),
    model: modelMetadata(manager),
    'model-ready': modelReady(manager, readiness),
    config: modelConfig(manager, slots),
    stats: modelStatistics(manager),
    infer: infer(inference, manager),
    predict: predict(inference),
    index: repositoryIndex(repository),
    load: repositoryLoad(repository),
    unload: repositoryUnload(repository),
    'shared-status': sharedMemoryStatus,
    'shared-register': sharedMemoryRegister,
    'shared-unregister': sharedMemoryUnregister,
  };
}
