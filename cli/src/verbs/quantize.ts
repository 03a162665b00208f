import { type Command, Option } from 'commander';
import { downloadBytes } from '@atoll/artifacts/remote';
import type { Context } from '../context.js';
import { readLabelsFor } from '../labels.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { artifactOf, fetchArtifact, refuseUnwritableFile } from '../output-files.js';
import { integer } from '../parse-option.js';
import { describeQuantization, parseQuantizeReport } from '../quantize-report.js';
import { runQuantization } from '../run-quantization.js';
import { sendDataset } from '../send-dataset.js';
import { action, addVerb } from '../verb.js';

interface QuantizeOptions {
  readonly data: string;
  readonly out: string;
  readonly samples: number;
  readonly inputType: string;
  readonly outputType: string;
  readonly pixels: string;
  readonly ranges: string;
  readonly eval?: string;
  readonly labels?: string;
}

/** Largest report that is read, in bytes. */
const maxReportBytes = 16 * 1024 * 1024;

/** `atoll quantize`. */
export function addQuantize(program: Command, machine: Machine): void {
  const border = ['uint8', 'int8', 'float32'];
  addVerb(
    program,
    'quantize <model>',
    'make a full-integer int8 .tflite, calibrated on representative photos',
    'atoll quantize runs/first/model.h5 --data photos/train --eval photos/test --out model.tflite',
  )
    .requiredOption('--data <dir>', 'representative photos')
    .requiredOption('--out <file>', 'the .tflite to write')
    .option('--samples <n>', 'how many of them to calibrate on', integer(1, 10_000), 100)
    .addOption(new Option('--input-type <type>', "type of the model's input").choices(border).default('uint8'))
    .addOption(new Option('--output-type <type>', "type of the model's output").choices(border).default('uint8'))
    .addOption(new Option('--ranges <method>', 'how ranges are found').choices(['auto', 'minmax']).default('auto'))
    .addOption(
      new Option('--pixels <range>', "what 0..255 becomes at the float model's input")
        .choices(['0..1', '-1..1', '0..255'])
        .default('0..1'),
    )
    .option('--eval <dir>', 'photos to compare the float and the int8 model on')
    .option('--labels <file>', 'class names, one a line (default: labels.txt beside the model)')
    .action(action<QuantizeOptions>(machine, quantize));
}

async function quantize(context: Context, options: QuantizeOptions, [model = '']: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  await refuseUnwritableFile(options.out);
  const labels = await readLabelsFor(await findModel(model), options.labels);
  await withService(context, localQuantizer(context), async (channel) => {
    const data = await sendDataset(channel, options.data, progress, signal);
    const compared =
      options.eval === undefined ? undefined : await sendDataset(channel, options.eval, progress, signal);
    const job = await runQuantization(
      channel,
      {
        model: await sendModel(channel, model, signal),
        task: {
          $case: 'quantize',
          value: {
            datasetSha256: data.sha256,
            samples: options.samples,
            inputType: options.inputType,
            outputType: options.outputType,
            ranges: options.ranges,
            pixels: options.pixels,
            evalDatasetSha256: compared?.sha256 ?? '',
            labels: [...labels],
            seed: 0n,
            mode: '',
            page: false,
          },
        },
        fresh: false,
      },
      progress,
      signal,
    );
    const made = artifactOf(job.artifacts, 'report.json');
    const report = parseQuantizeReport(await downloadBytes(channel, made.sha256, maxReportBytes, signal));
    await fetchArtifact(channel, job.artifacts, 'model.tflite', options.out, signal);
    context.result({ ...report, file: options.out }, describeQuantization({ ...report, file: options.out }));
  });
}
