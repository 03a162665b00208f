import { systemClock } from '@atoll/base/clock';
import { startTrainer } from '@atoll/trainer/service';
import type { Context } from './context.js';
import type { StartLocal } from './local-service.js';

/** How a tool starts a trainer of its own. */
export function localTrainer(context: Context): StartLocal {
  return (listen, dataDir) =>
    startTrainer(
      { listen, dataDir, logLevel: 'error', maxRunningJobs: 1, childEnv: context.env },
      { log: context.log, clock: systemClock },
    );
}
