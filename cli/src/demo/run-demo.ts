import { CommanderError } from 'commander';
import { join, resolve } from 'node:path';
import { isAtollError, reasonOf } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';
import type { Machine } from '../machine.js';
import { createProgress } from '../progress.js';
import { exitCodes } from '../run-cli.js';
import { checkFigures } from './checks.js';
import { runSteps } from './demo.js';
import { type DemoOptions, parseOptions } from './options.js';
import { summaryTable } from './summary.js';

/** Runs the main job, ends with its table, and gives the exit code: 1 when a figure is out of its bound, with the line that says which. */
export async function runDemo(args: readonly string[], machine: Machine): Promise<number> {
  let options: DemoOptions;
  try {
    options = parseOptions(args, machine);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    throw error;
  }
  const runDir = resolve('runs', new Date().toISOString().slice(0, 19).replaceAll(':', '-'));
  const startedMs = performance.now();
  const progress = createProgress({ write: machine.out, columns: machine.columns, nowMs: () => performance.now() });
  let steps = 0;
  const step = (title: string): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    progress.line(`${++steps}. ${title}  (${seconds} s)`);
  };
  try {
    const figures = await runSteps({ machine, options, runDir, progress, step });
    await writeFileAtomic(join(runDir, 'summary.json'), `${JSON.stringify(figures, null, 2)}\n`);
    progress.line(`\n${summaryTable(figures)}\n\nThe run is in ${runDir}`);
    const faults = checkFigures(figures);
    for (const fault of faults) machine.err(`atoll: cannot call this a success: ${fault}\n`);
    return faults.length === 0 ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    progress.end();
    if (machine.signal.aborted) {
      machine.err('atoll: interrupted; the fleet has ended\n');
      return exitCodes.interrupted;
    }
    const words = isAtollError(error) ? error.message : `cannot go on: ${reasonOf(error)}`;
    machine.err(`atoll: ${words.split('\n')[0] ?? words}\n`);
    return exitCodes.failed;
  }
}
