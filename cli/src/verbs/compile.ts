import { type Command, InvalidArgumentError } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Context } from '../context.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { fetchArtifacts, refuseUsedFolder, writeFolder } from '../output-files.js';
import { plainCompilation, runQuantization } from '../run-quantization.js';
import { action, addVerb } from '../verb.js';

interface CompileOptions {
  readonly out: string;
  readonly compiler?: string;
}

interface CompileReport {
  readonly compiled: boolean;
  readonly compiler: string | null;
  readonly files: readonly string[];
  readonly ops: readonly { readonly op: string; readonly count: number; readonly status: string }[];
  readonly onEdgeTpu: number;
  readonly onCpu: number;
  readonly subgraphs: number;
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly warnings: readonly string[];
}

/** `atoll compile`. */
export function addCompile(program: Command, machine: Machine): void {
  addVerb(
    program,
    'compile <file>',
    'prepare a full-integer .tflite for the Edge TPU: compiled where a compiler is installed, else the plan',
    'atoll compile model.tflite --out edgetpu',
  )
    .requiredOption('--out <dir>', 'folder for the results; it must not be there yet, or be empty')
    .option('--compiler <path>', 'the Edge TPU compiler (default: EDGETPU_COMPILER, else edgetpu_compiler on PATH)')
    .action(action<CompileOptions>(machine, compile));
}

async function compile(context: Context, options: CompileOptions, [file = '']: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  if (options.compiler !== undefined && context.server !== undefined)
    throw new InvalidArgumentError('--compiler is for the service inside this process: leave out --server');
  await findModel(file);
  await refuseUsedFolder(options.out);
  const report = await withService(context, localQuantizer(context, options.compiler), async (channel) => {
    const job = await runQuantization(
      channel,
      {
        model: await sendModel(channel, file, signal),
        task: { $case: 'compile', value: plainCompilation },
        fresh: false,
      },
      progress,
      signal,
    );
    await writeFolder(options.out, (folder) => fetchArtifacts(channel, job.artifacts, folder, signal));
    return readReport(join(options.out, 'plan.json'));
  });
  context.result(
    { ...report, files: report.files.map((name) => join(options.out, name)) },
    describe(report, options.out),
  );
}

async function readReport(path: string): Promise<CompileReport> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CompileReport;
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function describe(report: CompileReport, out: string): string {
  const head = report.compiled
    ? `Compiled by the Edge TPU compiler ${report.compiler ?? ''} to ${out}`
    : `A plan, not a compiled file, is in ${out}`;
  return [
    head,
    ...report.ops.map(({ op, count, status }) => `  ${op.padEnd(24)} ${String(count).padStart(4)}  ${status}`),
    `${report.onEdgeTpu} ops on the Edge TPU, ${report.onCpu} on the CPU; ` +
      `${report.onChipBytes.toLocaleString('en')} bytes on the chip, ${report.offChipBytes.toLocaleString('en')} off it`,
    ...report.warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}
