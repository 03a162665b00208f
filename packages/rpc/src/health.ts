import {
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { AtollError } from '@atoll/base/error';
import { openChannel } from './channel.js';
import type { MethodDefinition } from './definition.js';

interface CheckMethod extends MethodDefinition {
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestDeserialize: (bytes: Buffer) => { readonly service: string };
  readonly responseDeserialize: (bytes: Buffer) => { readonly status: string };
}

/** Asks grpc.health.v1 at an address; UNAVAILABLE unless it says SERVING within `timeoutMs`. */
export async function checkServing(address: string, timeoutMs: number): Promise<void> {
  const channel = openChannel(address);
  try {
    // The library's definition is untyped.
    const health = channel.client({ check: service['Check'] as unknown as CheckMethod });
    const { status } = await health.check({ service: '' }, { timeoutMs });
    if (status !== 'SERVING') throw new AtollError('UNAVAILABLE', `cannot use ${address}: its status is ${status}`);
  } finally {
    channel.close();
  }
}

interface HealthRequest {
  readonly service: string;
}

type Status = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
interface HealthAnswer {
  readonly status: Status;
}

/** What a server says of its parts over grpc.health.v1; "" is the whole server. */
export interface Health {
  /** Undefined = a part that there is not (any more): Check answers NOT_FOUND, Watch goes on with SERVICE_UNKNOWN. */
  set(part: string, serving: boolean | undefined): void;
  /** Everything is NOT_SERVING for good, and watching streams end, so that they hold up no drain. */
  stop(): void;
  addTo(server: Server): void;
}

/** The whole server serving, no parts. */
export function createHealth(): Health {
  const parts = new Map<string, boolean>([['', true]]);
  const watches = new Map<ServerWritableStream<HealthRequest, HealthAnswer>, { part: string; told: Status }>();
  let stopped = false;

  const statusOf = (part: string): Status => {
    const serving = parts.get(part);
    if (serving === undefined) return 'SERVICE_UNKNOWN';
    return serving && !stopped ? 'SERVING' : 'NOT_SERVING';
  };
  const tell = (): void => {
    for (const [call, watch] of watches) {
      const now = statusOf(watch.part);
      if (now === watch.told) continue;
      watch.told = now;
      call.write({ status: now });
    }
  };
  return {
    set(part, serving) {
      if (serving === undefined) parts.delete(part);
      else parts.set(part, serving);
      tell();
    },
    stop() {
      stopped = true;
      tell();
      for (const call of watches.keys()) call.end();
      watches.clear();
    },
    addTo(server) {
      server.addService(service, {
        check(call: ServerUnaryCall<HealthRequest, HealthAnswer>, answer: sendUnaryData<HealthAnswer>) {
          const now = statusOf(call.request.service);
          if (now !== 'SERVICE_UNKNOWN') return answer(null, { status: now });
          const part = call.request.service.slice(0, 100);
          answer({
            code: status.NOT_FOUND,
            details: `cannot tell the health of ${part}: this server has no such part`,
          });
        },
        watch(call: ServerWritableStream<HealthRequest, HealthAnswer>) {
          const part = call.request.service;
          const told = statusOf(part);
          call.write({ status: told });
          if (stopped) return call.end();
          watches.set(call, { part, told });
          call.on('cancelled', () => watches.delete(call));
        },
        list(_call: unknown, answer: sendUnaryData<{ statuses: Record<string, HealthAnswer> }>) {
          const names = [...parts.keys()];
          answer(null, { statuses: Object.fromEntries(names.map((part) => [part, { status: statusOf(part) }])) });
        },
      });
    },
  };
}
