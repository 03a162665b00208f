import './small-young-generation.js';
import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { strayNames } from '@atoll/base/stray-names';
import { readConfig } from './config.js';
import { startEdgeInference } from './service.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'edge-inference', level: config.logLevel });
  for (const line of strayNames(process.env)) log.warn(line);
  return await startEdgeInference(config, { log, clock: systemClock });
}, process.argv.includes('--follow-stdin'));
