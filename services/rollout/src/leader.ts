/** What a controller runs while it leads: its core with its bus, and the nodes' file that is read again when it changes. */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '@atoll/base/clock';
import type { Logger } from '@atoll/base/log';
import type { Bus } from '@atoll/bus/connect';
import { openControllerBus } from '@atoll/bus/controller-bus';
import { type Controller, startController } from './controller.js';
import { listen } from './events.js';
import { readEnrolment } from './fleet/enrolment.js';
import { watchEnrolment } from './fleet/watch-enrolment.js';
import type { FindRelease } from './registry-client.js';
import type { LeaderStores } from './state/lease.js';

/** What leading needs. */
export interface LeaderOptions {
  readonly stores: LeaderStores;
  readonly bus: Bus;
  readonly directorKey: KeyObject;
  readonly nodesPath: string;
  readonly findRelease: FindRelease;
  readonly offlineAfterMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The controller that leads, and the way to end it. */
export interface Leader {
  readonly controller: Controller;
  stop(): Promise<void>;
}

/** Begins to lead. */
export async function startLeader(options: LeaderOptions): Promise<Leader> {
  const { stores, bus, nodesPath, log } = options;
  const enrolled = await readEnrolment(nodesPath);
  const controllerBus = await openControllerBus(bus);
  const controller = startController({ ...options, enrolled, bus: controllerBus, leads: () => stores.leads() });
  listen(controllerBus, controller, log);
  const watching = watchEnrolment(nodesPath, enrolled, log, (nodes) => controller.onEnrolment(nodes));
  return {
    controller,
    stop: async () => {
      watching.stop();
      await controller.stop();
      await controllerBus.close();
    },
  };
}
