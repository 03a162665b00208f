import type { Command } from 'commander';
import { availableParallelism } from 'node:os';
import { servedModel, swappedModelNames } from '../bench/served-models.js';
import { benchSwap, type SwapBench } from '../bench/swap.js';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { integer, number } from '../parse-option.js';
import { action, addVerb } from '../verb.js';

type SwapOptions = Omit<SwapBench, 'models'>;

/** `atoll bench swap`. */
export function addBenchSwap(group: Command, machine: Machine): void {
  addVerb(
    group,
    'swap',
    'what clients notice while a node changes the version of a model, and whether its memory grows',
    'atoll bench swap --seconds 20 --memory-swaps 0 --json',
  )
    .option('--clients <n>', 'requests under way at a time', integer(1, 256), 8)
    .option('--slots <n>', "of Atoll's node (default: one a core)", integer(1, 64), availableParallelism())
    .option('--every-seconds <s>', 'between two swaps', number(0.1, 60), 2)
    .option('--seconds <s>', 'of windows with swaps in all; those without last as long', number(1, 3600), 60)
    .option('--window-seconds <s>', 'of one window', number(0.5, 600), 10)
    .option(
      '--memory-swaps <n>',
      'swaps over which memory is watched, after 50 that come first; 0 = none',
      integer(0, 10_000),
      200,
    )
    .action(action<SwapOptions>(machine, swap));
}

async function swap(context: Context, options: SwapOptions): Promise<void> {
  const [odd, even] = swappedModelNames;
  const models = [await servedModel(odd, context), await servedModel(even, context)] as const;
  context.result(
    await benchSwap({ ...options, models: [models[0], { ...models[1], name: models[0].name }] }, context),
    '',
  );
}
