/**
 * The controller's side of the bus: puts desired states, hears reports and heartbeats. What it keeps on the server can
 * be lost at any time and is made again after each reconnection; the caller then puts what its own store says.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { retry } from '@atoll/base/retry';
import type { Bus } from './connect.js';
import { ensureFleetStreams, type FleetStreams, renewStatusConsumer } from './fleet-streams.js';
import {
  anyNode,
  desiredKey,
  heartbeatSubject,
  nodeOfSubject,
  parseNodeId,
  pokeSubject,
  statusConsumer,
  statusStream,
} from './names.js';
import { checkPayload, isReadable } from './payload.js';

/** What a controller does on the bus. Bytes are signed envelopes; nobody here looks inside. */
export interface ControllerBus {
  /** Stores a node's desired state and so pushes it; UNAVAILABLE when the server does not acknowledge within some seconds. Puts for one node happen in the order of the calls. */
  putDesired(nodeId: string, bytes: Uint8Array): Promise<void>;
  /** What the server holds for a node; undefined when nothing. */
  getDesired(nodeId: string): Promise<Uint8Array | undefined>;
  /** Hears every report, by one handler (a second is FAILED_PRECONDITION): first the newest of each node, then each as it comes; after a reconnection the newest ones come again. What the handler refuses (PERMISSION_DENIED, INVALID_ARGUMENT) is dropped, what it fails at otherwise comes again. */
  onStatus(handler: (nodeId: string, bytes: Uint8Array) => void | Promise<void>): void;
  /** Hears that a node is alive. */
  onHeartbeat(handler: (nodeId: string) => void): void;
  /** Hears that the server was away: what it holds may be old or gone, put it again. */
  onReconnect(handler: () => void): void;
  /** Hears that the server is away: the silence of nodes means nothing until it is back. */
  onDisconnect(handler: () => void): void;
  /** Asks every node to read its desired state again. */
  poke(): void;
  close(): Promise<void>;
}

const putTimeoutMs = 500;

/** Opens the controller's side, making bucket, stream and consumer where they are missing. The bus itself stays the caller's. */
export async function openControllerBus(bus: Bus): Promise<ControllerBus> {
  const { connection, log } = bus;
  const ended = new AbortController();
  let streams = await ensureFleetStreams(connection);
  const queues = new Map<string, Promise<void>>();

  const ensure = async (): Promise<FleetStreams> => {
    streams = await ensureFleetStreams(connection);
    return streams;
  };

  const put = (nodeId: string, bytes: Uint8Array): Promise<void> => {
    const policy = {
      attempts: 8,
      firstDelayMs: 50,
      maxDelayMs: 1_000,
      retryable: (error: unknown) => isAtollError(error, 'UNAVAILABLE'),
    };
    return retry(policy, ended.signal, async () => {
      try {
        await streams.desired.put(desiredKey(nodeId), bytes, { timeout: putTimeoutMs });
      } catch (error) {
        // The bucket may be gone with the server's store.
        if (!connection.isClosed()) await ensure().catch(() => undefined);
        throw unavailable(`put the desired state of ${nodeId}`, error);
      }
    });
  };

  const loops: Promise<void>[] = [];
  const subscriptions = new Set<() => void>();

  return {
    putDesired: async (nodeId, bytes) => {
      checkPayload(`the desired state of ${parseNodeId(nodeId)}`, bytes);
      const before = queues.get(nodeId) ?? Promise.resolve();
      const mine = before.catch(() => undefined).then(() => put(nodeId, bytes));
      queues.set(nodeId, mine);
      try {
        await mine;
      } finally {
        if (queues.get(nodeId) === mine) queues.delete(nodeId);
      }
    },
    getDesired: async (nodeId) => {
      try {
        const entry = await streams.desired.get(desiredKey(parseNodeId(nodeId)));
        return entry?.operation === 'PUT' && isReadable(entry.value) ? entry.value : undefined;
      } catch (error) {
        throw isAtollError(error) ? error : unavailable(`read the desired state of ${nodeId}`, error);
      }
    },
    onStatus: (handler) => {
      // Two readers of the one consumer would take each other's reports.
      if (loops.length > 0) throw new AtollError('FAILED_PRECONDITION', 'cannot hear status reports twice on one bus');
      let current: AbortController | undefined;
      subscriptions.add(bus.onReconnect(() => current?.abort()));
      const forever = async (): Promise<void> => {
        while (!ended.signal.aborted) {
          current = new AbortController();
          try {
            await renewStatusConsumer((await ensure()).manager);
            await readStatus(streams, log, AbortSignal.any([current.signal, ended.signal]), handler);
          } catch (error) {
            if (ended.signal.aborted) return;
            log.warn('cannot read status reports, trying again', { reason: reasonOf(error) });
            await delay(250, undefined, { signal: ended.signal }).catch(() => undefined);
          }
        }
      };
      loops.push(forever());
    },
    onHeartbeat: (handler) => {
      const subscription = connection.subscribe(heartbeatSubject(anyNode), {
        callback: (error, message) => {
          const nodeId = error === null ? nodeOfSubject(message.subject) : undefined;
          if (nodeId !== undefined) handler(nodeId);
        },
      });
      subscriptions.add(() => subscription.unsubscribe());
    },
    onReconnect: (handler) => void subscriptions.add(bus.onReconnect(handler)),
    onDisconnect: (handler) => void subscriptions.add(bus.onDisconnect(handler)),
    poke: () => connection.publish(pokeSubject),
    close: async () => {
      ended.abort();
      for (const end of subscriptions) end();
      await Promise.allSettled([...queues.values(), ...loops]);
    },
  };
}

/** A report that its reader refuses is dropped, or one node could hold up all; one that it could not keep comes again. */
async function take(message: JsMsg, handle: () => void | Promise<void>, log: Logger, nodeId: string): Promise<void> {
  try {
    await handle();
    message.ack();
  } catch (error) {
    const refused = isAtollError(error, 'PERMISSION_DENIED') || isAtollError(error, 'INVALID_ARGUMENT');
    log.warn(refused ? 'refused a status report' : 'could not take a status report', { nodeId, error });
    if (refused) message.ack();
    else message.nak(1_000);
  }
}

async function readStatus(
  { client }: FleetStreams,
  log: Logger,
  signal: AbortSignal,
  handler: (nodeId: string, bytes: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const consumer = await client.consumers.get(statusStream, statusConsumer);
  const messages = await consumer.consume({ max_messages: 1_000, abort_on_missing_resource: true });
  const stop = (): void => messages.stop();
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const message of messages) {
      const nodeId = nodeOfSubject(message.subject);
      if (nodeId === undefined || !isReadable(message.data)) message.ack();
      else await take(message, () => handler(nodeId, message.data), log, nodeId);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
  }
}

function unavailable(what: string, error: unknown): AtollError {
  return new AtollError('UNAVAILABLE', `cannot ${what}: NATS did not answer (${reasonOf(error)})`, { cause: error });
}
