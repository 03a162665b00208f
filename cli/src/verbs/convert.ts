import type { Command } from 'commander';
import { stat } from 'node:fs/promises';
import type { Context } from '../context.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { fetchArtifact, refuseUnwritableFile } from '../output-files.js';
import { runQuantization } from '../run-quantization.js';
import { action, addVerb } from '../verb.js';

interface ConvertOptions {
  readonly out: string;
  readonly fresh?: boolean;
}

/** `atoll convert`. */
export function addConvert(program: Command, machine: Machine): void {
  addVerb(
    program,
    'convert <model>',
    'make a float .tflite of a Keras .h5 or .keras, a layers-model or another float .tflite',
    'atoll convert runs/first/model.h5 --out model-float.tflite',
  )
    .requiredOption('--out <file>', 'the .tflite to write')
    .option('--fresh', 'do the work even where the result of the same command is kept')
    .action(action<ConvertOptions>(machine, convert));
}

async function convert(
  context: Context,
  { out, fresh }: ConvertOptions,
  [model = '']: readonly string[],
): Promise<void> {
  const { progress, signal } = context;
  await findModel(model);
  await refuseUnwritableFile(out);
  await withService(context, localQuantizer(context), async (channel) => {
    const job = await runQuantization(
      channel,
      { model: await sendModel(channel, model, signal), task: { $case: 'convert', value: {} }, fresh: fresh === true },
      progress,
      signal,
    );
    await fetchArtifact(channel, job.artifacts, 'model.tflite', out, signal);
  });
  const { size } = await stat(out);
  context.result({ file: out, sizeBytes: size }, `${out}: ${size.toLocaleString('en')} bytes, float`);
}
