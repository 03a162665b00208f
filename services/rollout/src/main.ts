import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { strayNames } from '@atoll/base/stray-names';
import { readConfig } from './config.js';
import { startRollout } from './service.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'rollout', level: config.logLevel });
  for (const line of strayNames(process.env)) log.warn(line);
  return startRollout(config, { log, clock: systemClock });
}, process.argv.includes('--follow-stdin'));
