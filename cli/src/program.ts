import { Command } from 'commander';
import { createRequire } from 'node:module';
import type { Machine } from './machine.js';
import { addBench } from './verbs/bench.js';
import { addCompile } from './verbs/compile.js';
import { addConvert } from './verbs/convert.js';
import { addEvents } from './verbs/events.js';
import { addInfer } from './verbs/infer.js';
import { addInspect } from './verbs/inspect.js';
import { addNodes } from './verbs/nodes.js';
import { addPredict } from './verbs/predict.js';
import { addPublish } from './verbs/publish.js';
import { addQuantize } from './verbs/quantize.js';
import { addReleases } from './verbs/releases.js';
import { addRollout } from './verbs/rollout.js';
import { addServe } from './verbs/serve.js';
import { addTrain } from './verbs/train.js';
import { addUp } from './verbs/up.js';
import { withGlobals } from './verb.js';

/** The whole grammar: `atoll VERB [ARGS] [--flag value]`. */
export function buildProgram(machine: Machine): Command {
  const program = new Command('atoll');
  program
    .description('Photos in folders to an int8 model on every Edge TPU node, kept up to date.')
    .usage('VERB [ARGS] [--flag value]')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ showGlobalOptions: false, helpWidth: Math.min(machine.columns ?? 100, 120) })
    .configureOutput({
      writeOut: machine.out,
      writeErr: machine.err,
      outputError: (text, write) => write(`atoll: ${oneLine(text)}\n`),
    })
    .version(version(), '--version', 'say which version this is')
    .helpOption('-h, --help', 'say how it is used')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  atoll train --data photos/train --out runs/first --epochs 3\n');
  withGlobals(program);
  program.commandsGroup('Tools (each starts the service that it needs by itself):');
  const tools = [addTrain, addPredict, addConvert, addQuantize, addCompile, addInspect, addBench];
  for (const add of tools) add(program, machine);
  program.commandsGroup('Servers:');
  for (const add of [addServe, addUp]) add(program, machine);
  program.commandsGroup('Fleet (they ask a running fleet):');
  const fleet = [addPublish, addReleases, addNodes, addEvents, addRollout, addInfer];
  for (const add of fleet) add(program, machine);
  return program;
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json');
  const found = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(found);
}

/** "error: unknown option '--epoch'\n(Did you mean --epochs?)" in one line. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ');
}
