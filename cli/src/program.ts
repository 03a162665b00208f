import { Command } from 'commander';
import { createRequire } from 'node:module';
import type { Machine } from './machine.js';
import { withGlobals } from './verb.js';

type AddVerb = (program: Command, machine: Machine) => void;

interface VerbGroup {
  readonly heading: string;
  readonly verbs: ReadonlyMap<string, () => Promise<AddVerb>>;
}

const groups: readonly VerbGroup[] = [
  {
    heading: 'Tools (each starts the service that it needs by itself):',
    verbs: new Map([
      ['train', async () => (await import('./verbs/train.js')).addTrain],
      ['predict', async () => (await import('./verbs/predict.js')).addPredict],
      ['convert', async () => (await import('./verbs/convert.js')).addConvert],
      ['quantize', async () => (await import('./verbs/quantize.js')).addQuantize],
      ['compile', async () => (await import('./verbs/compile.js')).addCompile],
      ['inspect', async () => (await import('./verbs/inspect.js')).addInspect],
      ['bench', async () => (await import('./verbs/bench.js')).addBench],
    ]),
  },
  {
    heading: 'Servers:',
    verbs: new Map([
      ['serve', async () => (await import('./verbs/serve.js')).addServe],
      ['up', async () => (await import('./verbs/up.js')).addUp],
    ]),
  },
  {
    heading: 'Fleet (they ask a running fleet):',
    verbs: new Map([
      ['publish', async () => (await import('./verbs/publish.js')).addPublish],
      ['releases', async () => (await import('./verbs/releases.js')).addReleases],
      ['nodes', async () => (await import('./verbs/nodes.js')).addNodes],
      ['events', async () => (await import('./verbs/events.js')).addEvents],
      ['rollout', async () => (await import('./verbs/rollout.js')).addRollout],
      ['infer', async () => (await import('./verbs/infer.js')).addInfer],
    ]),
  },
];

/**
 * The grammar for one command line: `atoll VERB [ARGS] [--flag value]`. When its first word is a verb, that verb alone is loaded,
 * for the services behind the others take longer to load than many a verb to run; else, as for help, all of them are.
 */
export async function buildProgram(machine: Machine, args: readonly string[]): Promise<Command> {
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
  const asked = groups.some(({ verbs }) => verbs.has(args[0] ?? '')) ? args[0] : undefined;
  for (const { heading, verbs } of groups) {
    program.commandsGroup(heading);
    for (const [verb, load] of verbs) if (asked === undefined || asked === verb) (await load())(program, machine);
  }
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
