/**
 * A node's side of the bus. A desired state comes twice on purpose: pushed the moment it is stored, which may be missed,
 * and read by Direct Get at the start, after each reconnection, when poked and every few minutes. Old states may arrive
 * after new ones; the signed generation inside decides, not the order here.
 */
import { RequestError, TimeoutError } from '@nats-io/transport-node';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import { retry } from '@atoll/base/retry';
import type { Bus } from './connect.js';
import {
  desiredPushSubject,
  desiredReadSubject,
  heartbeatSubject,
  parseNodeId,
  pokeSubject,
  statusSubject,
} from './names.js';
import { checkPayload, isReadable } from './payload.js';

/** What a node does on the bus. Bytes are signed envelopes; nobody here looks inside. */
export interface NodeBus {
  /** Hears the node's desired state: pushed, caught up with, and repeated. */
  onDesired(handler: (bytes: Uint8Array) => void): void;
  /** Reads the node's desired state; undefined when there is none, UNAVAILABLE when the server does not answer. */
  readDesired(): Promise<Uint8Array | undefined>;
  /** Stores a report as the node's newest; UNAVAILABLE when it was not acknowledged. */
  publishStatus(bytes: Uint8Array): Promise<void>;
  /** Says that the node is alive. */
  heartbeat(): void;
  close(): void;
}

/** How often a node reads its desired state without being asked, milliseconds; drawn anew each time between the two. */
export interface CatchUpInterval {
  readonly leastMs: number;
  readonly mostMs: number;
}

const requestTimeoutMs = 1_000;
const requestPolicy = {
  attempts: 4,
  firstDelayMs: 100,
  maxDelayMs: 1_000,
  retryable: (error: unknown) => isAtollError(error, 'UNAVAILABLE'),
};

/** Opens a node's side; the bus must be logged in as that node, with inboxPrefix(nodeId). The bus itself stays the caller's. */
export function openNodeBus(
  bus: Bus,
  nodeId: string,
  catchUp: CatchUpInterval = { leastMs: 60_000, mostMs: 300_000 },
): NodeBus {
  const { connection, log } = bus;
  const id = parseNodeId(nodeId);
  const ended = new AbortController();
  const ends = new Set<() => void>();

  const request = (what: string, subject: string, payload?: Uint8Array): ReturnType<typeof connection.request> =>
    retry(requestPolicy, ended.signal, async () => {
      try {
        return await connection.request(subject, payload, { timeout: requestTimeoutMs });
      } catch (error) {
        const unanswered = error instanceof TimeoutError || error instanceof RequestError;
        const code = unanswered || connection.isClosed() ? 'UNAVAILABLE' : 'PERMISSION_DENIED';
        throw new AtollError(code, `cannot ${what} of ${id}: NATS did not answer (${reasonOf(error)})`, {
          cause: error,
        });
      }
    });

  const readDesired = async (): Promise<Uint8Array | undefined> => {
    const reply = await request('read the desired state', desiredReadSubject(id));
    const code = reply.headers?.code ?? 0;
    if (code === 404 || (reply.headers?.get('KV-Operation') ?? '') !== '') return undefined;
    if (code !== 0) {
      const reason = `${code} ${reply.headers?.description ?? ''}`.trim();
      throw new AtollError('UNAVAILABLE', `cannot read the desired state of ${id}: NATS answered ${reason}`);
    }
    return isReadable(reply.data) ? reply.data : undefined;
  };

  return {
    readDesired,
    onDesired: (handler) => {
      const read = (): void => {
        readDesired().then(
          (bytes) => {
            if (bytes !== undefined && !ended.signal.aborted) handler(bytes);
          },
          (error: unknown) => {
            if (!ended.signal.aborted) log.warn('cannot catch up with the desired state', { reason: reasonOf(error) });
          },
        );
      };
      const push = connection.subscribe(desiredPushSubject(id), {
        callback: (error, message) => {
          if (error === null && isReadable(message.data)) handler(message.data);
        },
      });
      let timer: NodeJS.Timeout | undefined;
      const later = (waitMs: number): void => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          read();
          later(spread(catchUp));
        }, waitMs);
      };
      // A poke reaches the whole fleet at once: its answers are spread over a second.
      const poked = connection.subscribe(pokeSubject, { callback: () => later(Math.random() * 1_000) });
      ends.add(() => push.unsubscribe());
      ends.add(() => poked.unsubscribe());
      ends.add(bus.onReconnect(read));
      ends.add(() => clearTimeout(timer));
      read();
      later(spread(catchUp));
    },
    publishStatus: async (bytes) => {
      const reply = await request('store the status', statusSubject(id), checkPayload(`the status of ${id}`, bytes));
      if (!isStored(reply.data)) {
        throw new AtollError('UNAVAILABLE', `cannot store the status of ${id}: ${reply.string().slice(0, 200)}`);
      }
    },
    heartbeat: () => connection.publish(heartbeatSubject(id)),
    close: () => {
      ended.abort();
      if (!connection.isClosed()) for (const end of ends) end();
      ends.clear();
    },
  };
}

function spread({ leastMs, mostMs }: CatchUpInterval): number {
  return leastMs + Math.random() * (mostMs - leastMs);
}

/** JetStream's acknowledgement of a publish names the stream and the sequence, a refusal an error. */
function isStored(data: Uint8Array): boolean {
  if (data.length > 4_096) return false;
  try {
    const ack: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return typeof ack === 'object' && ack !== null && 'seq' in ack && !('error' in ack);
  } catch {
    return false;
  }
}
