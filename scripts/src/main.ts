import { setMaxListeners } from 'node:events';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachePaths } from '@atoll/base/cache';
import { reasonOf } from '@atoll/base/error';
import type { Machine } from './part.js';
import { bench } from './verbs/bench.js';
import { gen } from './verbs/gen.js';
import { setup } from './verbs/setup.js';
import { start } from './verbs/start.js';
import { test } from './verbs/test.js';

const verbs = new Map([
  ['start', start],
  ['test', test],
  ['gen', gen],
  ['setup', setup],
  ['bench', bench],
]);

const stop = new AbortController();
// Every test file that runs listens to it.
setMaxListeners(0, stop.signal);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
// The channel to bootstrap.mjs closes with it: nobody is left to wait for this process.
process.on('disconnect', () => stop.abort('SIGTERM'));
process.channel?.unref();

const machine: Machine = {
  env: process.env,
  paths: cachePaths(process.env),
  platform: `${process.platform}-${process.arch}`,
  repository: dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
  signal: stop.signal,
  say: (line) => void process.stdout.write(`${line}\n`),
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
};

const [name = '', ...args] = process.argv.slice(2);
const verb = verbs.get(name);
if (verb === undefined) {
  process.stderr.write(`atoll: cannot do ${JSON.stringify(name)}: it is none of ${[...verbs.keys()].join(', ')}\n`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await verb(args, machine);
  } catch (error) {
    process.stderr.write(stop.signal.aborted ? 'atoll: interrupted\n' : `atoll: ${reasonOf(error)}\n`);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
}
