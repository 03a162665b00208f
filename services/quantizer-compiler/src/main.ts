import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { readConfig } from './config.js';
import { startQuantizerCompiler } from './service.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'quantizer-compiler', level: config.logLevel });
  return startQuantizerCompiler(config, { log, clock: systemClock });
}, process.argv.includes('--follow-stdin'));
