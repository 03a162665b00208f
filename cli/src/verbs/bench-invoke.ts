import type { Command } from 'commander';
import { benchInvoke, type InvokeBackend, invokeBackends } from '../bench/invoke.js';
import { servedModel, servedModelNames } from '../bench/served-models.js';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { integer, oneOrMoreOf } from '../parse-option.js';
import { action, addVerb } from '../verb.js';

interface InvokeOptions {
  readonly only: readonly string[];
  readonly backends: readonly InvokeBackend[];
  readonly rounds: number;
  readonly runs: number;
}

/** `atoll bench invoke`. */
export function addBenchInvoke(group: Command, machine: Machine): void {
  addVerb(
    group,
    'invoke',
    'one run of a uint8 model, one thread, by every backend of the CPU and by ai-edge-litert in Python',
    'atoll bench invoke --only cnn150 --json',
  )
    .option(
      '--only <models>',
      `these models alone (${servedModelNames.join(', ')})`,
      oneOrMoreOf(servedModelNames),
      servedModelNames,
    )
    .option(
      '--backends <names>',
      `these backends alone (${invokeBackends.join(', ')})`,
      oneOrMoreOf(invokeBackends),
      invokeBackends,
    )
    .option('--rounds <n>', 'in which all take turns, and of which the median counts', integer(1, 1000), 7)
    .option('--runs <n>', 'runs of one contender in a round, at most', integer(1, 100_000), 200)
    .action(action<InvokeOptions>(machine, invoke));
}

async function invoke(context: Context, { only, backends, rounds, runs }: InvokeOptions): Promise<void> {
  const models = [];
  for (const name of only) models.push(await servedModel(name, context));
  context.result(await benchInvoke({ models, backends, rounds, runs }, context), '');
}
