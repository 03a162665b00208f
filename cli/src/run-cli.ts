import { CommanderError, InvalidArgumentError } from 'commander';
import { isAtollError, reasonOf, toAtollError } from '@atoll/base/error';
import { strayNames } from '@atoll/base/stray-names';
import type { Machine } from './machine.js';
import { buildProgram } from './program.js';

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Runs one command line to its end and gives the exit code; a failure is one line on standard error, never a stack. */
export async function runCli(args: readonly string[], given: Machine): Promise<number> {
  let answered = false;
  const out = (text: string): void => {
    answered = true;
    given.out(text);
  };
  const machine: Machine = { ...given, out };
  for (const line of strayNames(machine.env)) machine.err(`warning: ${line}\n`);
  try {
    const program = await buildProgram(machine, args);
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.done;
  } catch (thrown) {
    // Commander has told of its own errors; one that a verb found has still to be told.
    if (thrown instanceof InvalidArgumentError) machine.err(`atoll: ${thrown.message}\n`);
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (machine.signal.aborted) return exitCodes.interrupted;
    const message = failureMessage(thrown, machine);
    machine.err(`atoll: ${message}\n`);
    if (args.includes('--json') && !answered) {
      machine.out(`${JSON.stringify({ error: { code: toAtollError(thrown).code, message } })}\n`);
    }
    return exitCodes.failed;
  }
}

/** One line; what is not an AtollError is a system's or a library's own words. */
function failureMessage(thrown: unknown, machine: Machine): string {
  const words = isAtollError(thrown) ? thrown.message : `cannot go on: ${reasonOf(thrown)}`;
  const line = words.replaceAll(/\s*\n\s*/g, '; ').trim();
  const hidden = isAtollError(thrown, 'INTERNAL') && machine.env['ATOLL_LOG'] === undefined;
  return hidden ? `${line} (with ATOLL_LOG=error it is shown)` : line;
}
