/** The node's line to the fleet, made in the background: a node without a network starts and serves all the same. */
import { setTimeout as delay } from 'node:timers/promises';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { type Bus, connectBus } from '@atoll/bus/connect';
import type { Credentials } from '@atoll/bus/credentials';
import { inboxPrefix } from '@atoll/bus/names';
import { type NodeBus, openNodeBus } from '@atoll/bus/node-bus';

/** What a line needs. */
export interface BusLinkOptions {
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  readonly nodeId: string;
  readonly log: Logger;
  /** A desired state came; perhaps one that came before. */
  readonly onDesired: (bytes: Uint8Array) => void;
  /** The line is up, for the first time or again. */
  readonly onUp: () => void;
}

/** The line. */
export interface BusLink {
  /** UNAVAILABLE while the line is down. */
  publishStatus(bytes: Uint8Array): Promise<void>;
  heartbeat(): void;
  close(): Promise<void>;
}

/** A refused login is tried again after this, spread by half: the node may be known after the next change of the server's configuration. */
const refusedDelayMs = 5_000;

/** Begins to connect, and keeps at it until close(). */
export function linkBus(options: BusLinkOptions): BusLink {
  const ended = new AbortController();
  let line: { readonly bus: Bus; readonly node: NodeBus } | undefined;

  const connecting = (async (): Promise<void> => {
    const bus = await connectPatiently(options, ended.signal);
    if (bus === undefined) return;
    if (ended.signal.aborted) return bus.close();
    const node = openNodeBus(bus, options.nodeId);
    line = { bus, node };
    bus.onReconnect(options.onUp);
    node.onDesired(options.onDesired);
    options.onUp();
  })();

  return {
    publishStatus: async (bytes) => {
      if (line === undefined)
        throw new AtollError('UNAVAILABLE', 'cannot send the status: there is no line to NATS yet');
      await line.node.publishStatus(bytes);
    },
    heartbeat: () => line?.node.heartbeat(),
    close: async () => {
      ended.abort();
      await connecting;
      line?.node.close();
      await line?.bus.close();
    },
  };
}

async function connectPatiently(options: BusLinkOptions, signal: AbortSignal): Promise<Bus | undefined> {
  const { servers, credentials, nodeId, log } = options;
  while (!signal.aborted) {
    try {
      return await connectBus({
        servers,
        credentials,
        name: `node ${nodeId}`,
        inboxPrefix: inboxPrefix(nodeId),
        log,
        signal,
      });
    } catch (error) {
      if (isAtollError(error, 'CANCELLED')) return undefined;
      log.warn('cannot join the fleet, trying again', { reason: reasonOf(error) });
    }
    await delay(refusedDelayMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
