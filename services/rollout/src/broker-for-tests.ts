/** A broker in memory with the bus's port: it keeps the newest state of each node, pushes it, and can be away or lose all. */
import { AtollError } from '@atoll/base/error';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { NodeForTests } from './node-for-tests.js';

/** The broker. */
export class BrokerForTests implements Pick<
  ControllerBus,
  'putDesired' | 'getDesired' | 'onStatus' | 'onHeartbeat' | 'onReconnect' | 'onDisconnect'
> {
  readonly held = new Map<string, Uint8Array>();
  away = false;
  readonly #nodes: ReadonlyMap<string, NodeForTests>;
  readonly #cut = new Set<string>();
  readonly #newest = new Map<string, Uint8Array>();
  #status: (nodeId: string, bytes: Uint8Array) => void | Promise<void> = () => undefined;
  #heartbeat: (nodeId: string) => void = () => undefined;
  #reconnect: () => void = () => undefined;

  constructor(nodes: readonly NodeForTests[]) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const node of nodes) {
      node.send = (bytes) => {
        if (this.#cut.has(node.id)) return;
        this.#newest.set(node.id, bytes);
        void this.#status(node.id, bytes);
      };
    }
  }

  async putDesired(nodeId: string, bytes: Uint8Array): Promise<void> {
    this.#refuseWhenAway();
    this.held.set(nodeId, bytes);
    if (!this.#cut.has(nodeId)) this.#nodes.get(nodeId)?.hear(bytes);
  }

  async getDesired(nodeId: string): Promise<Uint8Array | undefined> {
    this.#refuseWhenAway();
    return this.held.get(nodeId);
  }

  onStatus(handler: (nodeId: string, bytes: Uint8Array) => void | Promise<void>): void {
    this.#status = handler;
    for (const [nodeId, bytes] of this.#newest) void handler(nodeId, bytes);
  }

  onHeartbeat(handler: (nodeId: string) => void): void {
    this.#heartbeat = handler;
  }

  onReconnect(handler: () => void): void {
    this.#reconnect = handler;
  }

  /** A broker that does not answer keeps its connections. */
  onDisconnect(): void {}

  /** Every node that can be reached says that it is alive. */
  beat(): void {
    for (const nodeId of this.#nodes.keys()) if (!this.#cut.has(nodeId)) this.#heartbeat(nodeId);
  }

  /** The node is neither heard nor told anything. */
  cut(nodeId: string): void {
    this.#cut.add(nodeId);
  }

  /** The node is back and reads what is held for it. */
  heal(nodeId: string): void {
    this.#cut.delete(nodeId);
    const bytes = this.held.get(nodeId);
    this.#nodes.get(nodeId)?.report('STEADY');
    if (bytes !== undefined) this.#nodes.get(nodeId)?.hear(bytes);
  }

  /** Comes back after having been away. */
  return(): void {
    this.away = false;
    this.#reconnect();
  }

  #refuseWhenAway(): void {
    if (this.away) throw new AtollError('UNAVAILABLE', 'cannot reach the broker: the test took it away');
  }
}
