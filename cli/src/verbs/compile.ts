import { type Command, InvalidArgumentError } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, reasonOf } from '@atoll/base/error';
import { checkOptions, optionBounds } from '@atoll/edgetpu/compiler-options';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { CompileTask } from '@atoll/proto/atoll/v1/quantizer';
import type { CompileReport } from '../compile-report.js';
import { describeCompilation } from '../compile-report.js';
import type { Context } from '../context.js';
import { withService } from '../local-service.js';
import { compilerTimeoutMs, localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { fetchArtifacts, refuseUsedFolder, writeFolder } from '../output-files.js';
import { integer, list } from '../parse-option.js';
import { runQuantization } from '../run-quantization.js';
import { action, addVerb } from '../verb.js';

interface CompileOptions {
  readonly out: string;
  readonly compiler?: string;
  readonly minRuntime?: number;
  readonly intermediateTensors?: readonly string[];
  readonly segments?: number;
  readonly searchDelegate?: boolean;
  readonly delegateSearchStep?: number;
  readonly timeout?: number;
  readonly multipleSubgraphs?: boolean;
  readonly fresh?: boolean;
}

/** `atoll compile`. */
export function addCompile(program: Command, machine: Machine): void {
  const bounded = (key: keyof typeof optionBounds): ((text: string) => number) =>
    integer(optionBounds[key].least, optionBounds[key].most);
  addVerb(
    program,
    'compile <files...>',
    'prepare a full-integer .tflite for the Edge TPU: compiled where a compiler is installed, else the plan',
    'atoll compile model.tflite --out edgetpu',
  )
    .requiredOption('--out <dir>', 'folder for the results; it must not be there yet, or be empty')
    .option('--compiler <path>', 'the Edge TPU compiler (default: EDGETPU_COMPILER, else edgetpu_compiler on PATH)')
    .option('--min-runtime <n>', 'the oldest runtime that must load the result, 10 to 14', bounded('minRuntimeVersion'))
    .option('--intermediate-tensors <a,b>', 'tensors after which all is left to the CPU', list)
    .option('--segments <n>', 'cut the model into the parts of a pipeline', bounded('numSegments'))
    .option('--search-delegate', 'drop operators from the end until the rest compiles')
    .option('--delegate-search-step <n>', 'how many operators to drop at a time', bounded('delegateSearchStep'))
    .option('--timeout <seconds>', "the compiler's own timer for one try", bounded('timeoutSeconds'))
    .option('--multiple-subgraphs', 'allow several Edge TPU parts (an experiment of the compiler)')
    .option('--fresh', 'do the work even where the result of the same command is kept')
    .action(action<CompileOptions>(machine, compile));
}

async function compile(context: Context, options: CompileOptions, files: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  if (options.compiler !== undefined && context.server !== undefined)
    throw new InvalidArgumentError('--compiler is for the service inside this process: leave out --server');
  const value = taskOf(options);
  refuseWrongUsage(value);
  for (const file of files) await findModel(file);
  await refuseUsedFolder(options.out);
  const local = localQuantizer(context, options.compiler, hardTimeoutMs(value));
  const report = await withService(context, local, async (channel) => {
    const model: Artifact[] = [];
    for (const file of files) model.push(...(await sendModel(channel, file, signal)));
    const request = { model, task: { $case: 'compile', value } as const, fresh: options.fresh === true };
    const job = await runQuantization(channel, request, progress, signal);
    await writeFolder(options.out, (folder) => fetchArtifacts(channel, job.artifacts, folder, signal));
    return readReport(join(options.out, 'plan.json'));
  });
  context.result(
    { ...report, files: report.files.map((name) => join(options.out, name)) },
    describeCompilation(report, options.out),
  );
}

function taskOf(options: CompileOptions): CompileTask {
  return {
    minRuntimeVersion: options.minRuntime ?? 0,
    intermediateTensors: [...(options.intermediateTensors ?? [])],
    numSegments: options.segments ?? 0,
    searchDelegate: options.searchDelegate === true,
    delegateSearchStep: options.delegateSearchStep ?? 0,
    timeoutSeconds: options.timeout ?? 0,
    multipleSubgraphs: options.multipleSubgraphs === true,
  };
}

/** Options that exclude each other are wrong usage, and told before anything is sent. */
function refuseWrongUsage(task: CompileTask): void {
  try {
    checkOptions(task);
  } catch (error) {
    throw new InvalidArgumentError(reasonOf(error));
  }
}

/** The hard end lies behind the compiler's own; a search tries many times. */
function hardTimeoutMs({ timeoutSeconds, searchDelegate }: CompileTask): number {
  return (searchDelegate ? 5 : 1) * compilerTimeoutMs + 1000 * timeoutSeconds;
}

async function readReport(path: string): Promise<CompileReport> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CompileReport;
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
