import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { readConfig } from './config.js';
import { startEdgeInference } from './service.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'edge-inference', level: config.logLevel });
  return startEdgeInference(config, { log, clock: systemClock });
}, process.argv.includes('--follow-stdin'));
