import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { benchServe, type ServeBench, type ServerName, serverNames } from '../bench/serve.js';
import { servedModel, servedModelNames } from '../bench/served-models.js';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { integer, number, oneOrMoreOf } from '../parse-option.js';
import { action, addVerb } from '../verb.js';

interface ServeOptions extends Omit<ServeBench, 'model'> {
  readonly model: string;
  readonly only: readonly ServerName[];
}

/** `atoll bench serve`. */
export function addBenchServe(group: Command, machine: Machine): void {
  addVerb(
    group,
    'serve',
    "a uint8 model behind Atoll's node and behind Triton, KServe and MLServer, under the same client",
    'atoll bench serve --only atoll,triton --rounds 3 --json',
  )
    .addOption(new Option('--model <name>', 'what is served').choices(servedModelNames).default('cnn150'))
    .option('--only <servers>', `these alone (${serverNames.join(', ')})`, oneOrMoreOf(serverNames), serverNames)
    .option(
      '--slots <n>',
      "of Atoll's node; atoll-1 has one (default: one a core)",
      integer(1, 64),
      availableParallelism(),
    )
    .option('--rounds <n>', 'in which all take turns, and of which the median counts', integer(1, 100), 5)
    .option('--seconds <s>', 'of one load', number(0.3, 600), 3)
    .option('--warm-seconds <s>', 'under load before the first one that counts', number(0, 600), 6)
    .option('--starts <n>', 'starts whose time to ready is measured', integer(1, 100), 5)
    .addOption(
      new Option('--client <name>', 'who sends the requests')
        .choices(['perf_analyzer', 'node'])
        .default('perf_analyzer'),
    )
    .action(action<ServeOptions>(machine, serve));
}

async function serve(context: Context, options: ServeOptions): Promise<void> {
  const model = await servedModel(options.model, context);
  context.result(await benchServe({ ...options, model }, context), '');
}
