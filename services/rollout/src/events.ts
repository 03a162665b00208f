/** What the controller hears on the bus: reports, heartbeats, and that the broker was away. */
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { ControllerCore } from './core.js';

/** Starts listening, for the core. What it refuses is told to the bus, which drops it: anybody who can log in may send garbage under his own name. */
export function listen(
  bus: Pick<ControllerBus, 'onStatus' | 'onHeartbeat' | 'onReconnect' | 'onDisconnect'>,
  core: Pick<ControllerCore, 'onStatus' | 'onHeartbeat' | 'onBroker'>,
  log: Logger,
): void {
  bus.onStatus((nodeId, bytes) => void core.onStatus(nodeId, bytes));
  bus.onHeartbeat((nodeId) => {
    if (!core.onHeartbeat(nodeId)) log.debug('a heartbeat of a node that is not enrolled', { nodeId });
  });
  bus.onDisconnect(() => core.onBroker('away'));
  bus.onReconnect(() => core.onBroker('connected'));
}
