/** What the controller hears on the bus: reports, heartbeats, and that the broker was away. */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { Controller } from './controller.js';

/** Starts listening, for the controller. */
export function listen(
  bus: Pick<ControllerBus, 'onStatus' | 'onHeartbeat' | 'onReconnect'>,
  { fleet, onNews, onReturn }: Pick<Controller, 'fleet' | 'onNews' | 'onReturn'>,
  log: Logger,
): void {
  bus.onStatus((nodeId, bytes) => {
    try {
      if (fleet.take(nodeId, bytes) === 'new') onNews();
    } catch (error) {
      // Anybody who can log in can send garbage under its own name: it is counted for nothing.
      log.warn('a report was refused', { nodeId, reason: reasonOf(error) });
    }
  });
  bus.onHeartbeat((nodeId) => {
    if (!fleet.heard(nodeId)) log.debug('a heartbeat of a node that is not enrolled', { nodeId });
  });
  bus.onReconnect(onReturn);
}
