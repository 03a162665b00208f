/*
 * What a server says of itself and its parts over grpc.health.v1. A part that is gone is NOT_FOUND to Check and goes on as
 * SERVICE_UNKNOWN for those who Watch it; when the server stops, everything is NOT_SERVING and watching streams end, so that they
 * hold up no drain.
 */
import { AtollError } from '@atoll/base/error';
import type { HealthCheckRequest, HealthCheckResponse } from '@atoll/proto/grpc/health/v1/health';
import { HealthCheckResponse_ServingStatus as Status, HealthService } from '@atoll/proto/grpc/health/v1/health';
import type { BoundService, CallContext } from './handlers.js';
import { bindService } from './handlers.js';

/** See the head of the file; the part "" is the whole server. */
export interface Health {
  readonly service: BoundService;
  /** Undefined = there is no such part (any more). */
  set(part: string, serving: boolean | undefined): void;
  /** Everything is NOT_SERVING for good. */
  stop(): void;
}

/** The whole server serving, no parts. */
export function createHealth(): Health {
  const parts = new Map<string, boolean>([['', true]]);
  const watchers = new Set<() => void>();
  let stopped = false;

  const statusOf = (part: string): Status => {
    const serving = parts.get(part);
    if (serving === undefined) return Status.SERVICE_UNKNOWN;
    return serving && !stopped ? Status.SERVING : Status.NOT_SERVING;
  };
  const wake = (): void => {
    for (const watcher of watchers) watcher();
    watchers.clear();
  };
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        signal.removeEventListener('abort', watcher);
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      signal.addEventListener('abort', watcher);
    });

  const service = bindService(
    HealthService,
    {
      async check({ service: part }) {
        const status = statusOf(part);
        if (status !== Status.SERVICE_UNKNOWN) return { status };
        const name = JSON.stringify(part.slice(0, 100));
        throw new AtollError('NOT_FOUND', `cannot tell the health of ${name}: this server has no such part`);
      },
      async *watch(
        { service: part }: HealthCheckRequest,
        { signal }: CallContext,
      ): AsyncGenerator<HealthCheckResponse> {
        for (let told: Status | undefined; !signal.aborted;) {
          const status = statusOf(part);
          if (status !== told) yield { status };
          told = status;
          if (stopped) return;
          // Something may have changed while the answer was on its way.
          if (statusOf(part) === told) await change(signal);
        }
      },
      list: async () => ({
        statuses: Object.fromEntries([...parts.keys()].map((part) => [part, { status: statusOf(part) }])),
      }),
    },
    { longRequests: [] },
  );
  return {
    service,
    set(part, serving) {
      if (serving === undefined) parts.delete(part);
      else parts.set(part, serving);
      wake();
    },
    stop() {
      stopped = true;
      wake();
    },
  };
}
