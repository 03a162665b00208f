/** Gives a core its time and its bus: looks soon after it asks, ticks, and does on the bus what it has to send. */
import type { Logger } from '@atoll/base/log';
import type { ControllerBus } from '@atoll/bus/controller-bus';
import type { ControllerCore } from './core.js';
import { startPublisher } from './fleet/publisher.js';

/** What the driver needs. */
export interface DriverOptions {
  readonly core: Pick<ControllerCore, 'look' | 'tick' | 'nextOutgoing' | 'outgoingDone'>;
  readonly bus: Pick<ControllerBus, 'putDesired' | 'getDesired'>;
  readonly log: Logger;
  /** Between ticks, milliseconds. */
  readonly everyMs: number;
}

/** The running driver. */
export interface Driver {
  /** The core wants to look, or to send. */
  readonly wake: () => void;
  stop(): Promise<void>;
}

/** Between looks, so that a flood of reports becomes a few of them, milliseconds. */
const restMs = 20;

/** Ticks at once, then every few seconds. */
export function startDriver({ core, bus, log, everyMs }: DriverOptions): Driver {
  let scheduled: NodeJS.Timeout | undefined;
  let lookedMs = 0;
  const publisher = startPublisher({ bus, core, log });
  const look = (): void => {
    scheduled = undefined;
    core.look();
    lookedMs = performance.now();
    publisher.wake();
  };
  const tick = (): void => {
    core.tick();
    publisher.wake();
  };
  const timer = setInterval(tick, everyMs);
  tick();
  return {
    wake: () => {
      scheduled ??= setTimeout(look, Math.max(0, lookedMs + restMs - performance.now()));
    },
    stop: async () => {
      clearInterval(timer);
      clearTimeout(scheduled);
      await publisher.stop();
    },
  };
}
