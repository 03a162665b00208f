import './small-young-generation.js';
import { systemClock } from '@atoll/base/clock';
import { run } from '@atoll/base/lifecycle';
import { createLogger } from '@atoll/base/log';
import { strayNames } from '@atoll/base/stray-names';
import { readConfig, triesAtStart } from './config.js';
import { childSettingsOf } from './runtime/child-settings.js';
import { startEarlyChildren } from './runtime/early-children.js';

await run(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: 'edge-inference', level: config.logLevel });
  for (const line of strayNames(process.env)) log.warn(line);
  const early = startEarlyChildren(childSettingsOf(config), triesAtStart(config), log);
  const { startEdgeInference } = await import('./service.js');
  return startEdgeInference(config, { log, clock: systemClock, early });
}, process.argv.includes('--follow-stdin'));
