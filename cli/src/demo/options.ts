import { Command } from 'commander';
import { integer } from '../parse-option.js';
import type { Machine } from '../machine.js';

/** What the main job is told. */
export interface DemoOptions {
  /** The person's own photos, one folder a class; undefined = the six classes of CIFAR-10 that set-up brought. */
  readonly data?: string;
  readonly seed: number;
  readonly nodes: number;
}

/** Reads the command line; throws CommanderError for --help and for wrong usage. */
export function parseOptions(args: readonly string[], machine: Machine): DemoOptions {
  const command = new Command('npm start --')
    .description(
      'Runs the whole line on this machine: photos, training, int8, release, a rollout to edge nodes under load.',
    )
    .usage('[--data DIR]')
    .option('--data <dir>', 'your own photos, one folder a class (default: six classes of CIFAR-10)')
    .option('--seed <n>', 'seed of the first training', integer(1, 2 ** 31 - 2), 1)
    .option('--nodes <n>', 'how many edge nodes', integer(2, 16), 3)
    .addHelpText('after', '\nExample:\n  npm start -- --data ~/photos/seg_train\n')
    .exitOverride()
    .configureOutput({ writeOut: machine.out, writeErr: machine.err });
  command.parse([...args], { from: 'user' });
  return command.opts<DemoOptions>();
}
