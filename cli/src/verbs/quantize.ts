import { type Command, InvalidArgumentError, Option } from 'commander';
import { downloadBytes } from '@atoll/artifacts/remote';
import type { Context } from '../context.js';
import { readLabelsFor } from '../labels.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import {
  artifactOf,
  fetchArtifact,
  fetchArtifacts,
  refuseUnwritableFile,
  refuseUsedFolder,
  writeFolder,
} from '../output-files.js';
import { integer } from '../parse-option.js';
import { describeQuantization, parseQuantizeReport } from '../quantize-report.js';
import { runQuantization } from '../run-quantization.js';
import { sendDataset } from '../send-dataset.js';
import { action, addVerb } from '../verb.js';

interface QuantizeOptions {
  readonly data?: string;
  readonly out: string;
  readonly mode: string;
  readonly samples: number;
  readonly inputType?: string;
  readonly outputType?: string;
  readonly pixels: string;
  readonly ranges?: string;
  readonly eval?: string;
  readonly labels?: string;
  readonly report?: string;
  readonly fresh?: boolean;
}

/** Largest report that is read, in bytes. */
const maxReportBytes = 16 * 1024 * 1024;

/** `atoll quantize`. */
export function addQuantize(program: Command, machine: Machine): void {
  const border = ['uint8', 'int8', 'float32'];
  const borderDefault = '(default: uint8; float32 in the modes without photos)';
  addVerb(
    program,
    'quantize <model>',
    'make a full-integer int8 .tflite, calibrated on representative photos, of a .h5, .keras, layers-model or float .tflite',
    'atoll quantize runs/first/model.h5 --data photos/train --eval photos/test --out model.tflite --report model-report',
  )
    .option('--data <dir>', 'representative photos; needed for full-integer')
    .requiredOption('--out <file>', 'the .tflite to write')
    .addOption(
      new Option('--mode <mode>', 'what becomes int8: all, only the weights, or nothing (weights as float16)')
        .choices(['full-integer', 'dynamic-range', 'float16'])
        .default('full-integer'),
    )
    .option('--samples <n>', 'how many of the photos to calibrate on', integer(1, 10_000), 100)
    .addOption(new Option('--input-type <type>', `type of the model's input ${borderDefault}`).choices(border))
    .addOption(new Option('--output-type <type>', `type of the model's output ${borderDefault}`).choices(border))
    .addOption(
      new Option('--ranges <method>', 'how ranges are found (default: auto, each by its measured error)').choices([
        'auto',
        'minmax',
        'percentile',
        'mse',
      ]),
    )
    .addOption(
      new Option('--pixels <range>', "what 0..255 becomes at the float model's input")
        .choices(['0..1', '-1..1', '0..255'])
        .default('0..1'),
    )
    .option('--eval <dir>', 'photos to compare the float and the quantized model on')
    .option('--labels <file>', 'class names, one a line (default: labels.txt beside the model)')
    .option('--report <dir>', 'folder for report.html and report.json; it must not be there yet, or be empty')
    .option('--fresh', 'do the work even where the result of the same command is kept')
    .action(action<QuantizeOptions>(machine, quantize));
}

async function quantize(context: Context, options: QuantizeOptions, [model = '']: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  const { data, out, report: reportFolder } = options;
  if (data === undefined && options.mode === 'full-integer')
    throw new InvalidArgumentError(
      "required option '--data <dir>' not specified: full-integer is calibrated on photos",
    );
  refuseIntegerOptions(options);
  await refuseUnwritableFile(out);
  if (reportFolder !== undefined) await refuseUsedFolder(reportFolder);
  const labels = await readLabelsFor(await findModel(model), options.labels);
  await withService(context, localQuantizer(context), async (channel) => {
    const send = async (folder: string | undefined): Promise<string> =>
      folder === undefined ? '' : (await sendDataset(channel, folder, progress, signal)).sha256;
    const job = await runQuantization(
      channel,
      {
        model: await sendModel(channel, model, signal),
        task: {
          $case: 'quantize',
          value: {
            // Only a full-integer model is calibrated.
            datasetSha256: await send(options.mode === 'full-integer' ? data : undefined),
            samples: options.samples,
            inputType: options.inputType ?? '',
            outputType: options.outputType ?? '',
            ranges: options.ranges ?? '',
            pixels: options.pixels,
            evalDatasetSha256: await send(options.eval),
            labels: [...labels],
            seed: 0n,
            mode: options.mode,
            page: reportFolder !== undefined,
          },
        },
        fresh: options.fresh === true,
      },
      progress,
      signal,
    );
    const made = artifactOf(job.artifacts, 'report.json');
    const report = parseQuantizeReport(await downloadBytes(channel, made.sha256, maxReportBytes, signal));
    if (reportFolder !== undefined) {
      const pages = [made, artifactOf(job.artifacts, 'report.html')];
      await writeFolder(reportFolder, (folder) => fetchArtifacts(channel, pages, folder, signal));
    }
    await fetchArtifact(channel, job.artifacts, 'model.tflite', out, signal);
    context.result({ ...report, file: out }, describeQuantization({ ...report, file: out }, reportFolder));
  });
}

/** What means something only where all is integer is wrong usage in the other modes, and told before anything is sent. */
function refuseIntegerOptions({ mode, ranges, inputType, outputType }: QuantizeOptions): void {
  if (mode === 'full-integer') return;
  if (ranges !== undefined)
    throw new InvalidArgumentError(
      `option '--ranges <method>' is for full-integer: in mode ${mode} activations stay float`,
    );
  for (const [flag, type] of [
    ['--input-type', inputType],
    ['--output-type', outputType],
  ] as const) {
    if (type !== undefined && type !== 'float32')
      throw new InvalidArgumentError(
        `option '${flag} <type>' argument '${type}' is invalid: in mode ${mode} it is float32`,
      );
  }
}
