import { type Command, Option } from 'commander';
import { AtollError } from '@atoll/base/error';
import { nearestName } from '@atoll/base/nearest';
import { defaultNetsFolder, prepareNets, readNets, timedNets, trainedNets } from '../bench/nets.js';
import { describeNet } from '../bench/quantize-figures.js';
import { benchQuantize } from '../bench/quantize.js';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { integer, list, oneOrMoreOf } from '../parse-option.js';
import { action, addVerb } from '../verb.js';
import { addBenchInvoke } from './bench-invoke.js';
import { addBenchServe } from './bench-serve.js';
import { addBenchSwap } from './bench-swap.js';

interface QuantizeBenchOptions {
  readonly nets?: string;
  readonly only?: readonly string[];
  readonly ranges: readonly string[];
  readonly samples: number;
  readonly runs: number;
  readonly model: string;
  readonly keepPeers?: boolean;
}

/** `atoll bench quantize`. */
export function addBench(program: Command, machine: Machine): void {
  const group = program.command('bench').description('measure Atoll beside its peers').helpCommand(false);
  group.addHelpText('after', '\nExample:\n  atoll bench quantize --only cnn,residual --json\n');
  group.helpOption('-h, --help', 'say how it is used');
  addVerb(
    group,
    'quantize',
    'int8 files of the same nets and photos by Atoll, TFLiteConverter 2.15 and ai-edge-quantizer 0.10, judged on the same photos',
    'atoll bench quantize --only cnn,residual --json',
  )
    .option('--nets <dir>', 'nets to measure (default: those that the bench trains, once, into the cache)')
    .option('--only <names>', `these nets alone (${[...trainedNets, ...timedNets].join(', ')})`, list)
    .option('--ranges <methods>', 'how Atoll finds ranges', oneOrMoreOf(['auto', 'minmax', 'percentile', 'mse']), [
      'auto',
      'minmax',
    ])
    .option('--samples <n>', 'photos that Atoll calibrates on; the peers take all of calib/', integer(1, 10_000), 100)
    .option('--runs <n>', 'conversions by each, of which the median counts', integer(1, 100), 3)
    .addOption(
      new Option('--model <file>', 'what Atoll starts from')
        .choices(['model.h5', 'peers/float.tflite'])
        .default('model.h5'),
    )
    .option('--keep-peers', "take the peers' files of the last bench and measure no time of theirs")
    .action(action<QuantizeBenchOptions>(machine, quantize));
  addBenchInvoke(group, machine);
  addBenchServe(group, machine);
  addBenchSwap(group, machine);
}

async function quantize(context: Context, options: QuantizeBenchOptions): Promise<void> {
  const { nets, only, ...bench } = options;
  const folder = nets ?? defaultNetsFolder(context.env);
  const there = nets === undefined ? undefined : await readNets(folder);
  const known = there?.map(({ name }) => name) ?? [...trainedNets, ...timedNets];
  const names = only ?? known;
  for (const name of names) if (!known.includes(name)) throw unknownNet(name, known, folder);
  const ready = there?.filter(({ name }) => names.includes(name)) ?? (await prepareNets(folder, names, context));
  const figures = await benchQuantize({ keepPeers: false, ...bench, nets: ready }, context, (result) => {
    context.progress.end();
    context.err(`${describeNet(result)}\n\n`);
  });
  context.result(figures, '');
}

function unknownNet(name: string, known: readonly string[], folder: string): AtollError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `it is none of ${known.join(', ')}` : `did you mean ${nearest}?`;
  return new AtollError('INVALID_ARGUMENT', `cannot bench net ${JSON.stringify(name)} of ${folder}: ${hint}`);
}
