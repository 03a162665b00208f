import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { readConfig } from './config.js';
import { startRollout } from './service.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'rollout', level: config.logLevel });
  return startRollout(config, { log, clock: systemClock });
}, process.argv.includes('--follow-stdin'));
