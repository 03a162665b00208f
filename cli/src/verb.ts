import type { Command } from 'commander';
import { type Context, createContext, type GlobalOptions } from './context.js';
import type { Machine } from './machine.js';

/** Adds the options that every verb takes. */
export function withGlobals(command: Command): Command {
  return command
    .option('--json', 'exactly one JSON document on standard output; progress goes to standard error')
    .option('--server <address>', 'ask this server (host:port or unix:PATH); fleet verbs also read ATOLL_SERVER')
    .option('--data-dir <dir>', 'where `atoll up` keeps its fleet (default: ATOLL_DATA_DIR, else .atoll)')
    .option('--quiet', 'no progress');
}

/** Adds a verb below a command; `usage` names it and its arguments, `example` is one real command line. */
export function addVerb(parent: Command, usage: string, about: string, example: string): Command {
  return withGlobals(
    parent.command(usage).description(about).addHelpText('after', `\nExample:\n  ${example}\n`),
  ).helpOption('-h, --help', 'say how it is used');
}

/** The action of a verb: its own options typed by whoever declares them, its arguments in order. */
export function action<O>(
  machine: Machine,
  body: (context: Context, options: O, args: readonly string[]) => Promise<void>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    // Commander hands over arguments, options and, last, the command itself.
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    const context = createContext(machine, options);
    try {
      await body(context, options, command.args);
    } finally {
      context.progress.end();
    }
  };
}
