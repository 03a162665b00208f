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
}

/** `atoll convert`. */
export function addConvert(program: Command, machine: Machine): void {
  addVerb(
    program,
    'convert <model>',
    'make a float .tflite of a Keras .h5 or a layers-model',
    'atoll convert runs/first/model.h5 --out model-float.tflite',
  )
    .requiredOption('--out <file>', 'the .tflite to write')
    .action(action<ConvertOptions>(machine, convert));
}

async function convert(context: Context, { out }: ConvertOptions, [model = '']: readonly string[]): Promise<void> {
  const { progress, signal } = context;
  await findModel(model);
  await refuseUnwritableFile(out);
  await withService(context, localQuantizer(context), async (channel) => {
    const job = await runQuantization(
      channel,
      { model: await sendModel(channel, model, signal), task: { $case: 'convert', value: {} }, fresh: false },
      progress,
      signal,
    );
    await fetchArtifact(channel, job.artifacts, 'model.tflite', out, signal);
  });
  const { size } = await stat(out);
  context.result({ file: out, sizeBytes: size }, `${out}: ${size.toLocaleString('en')} bytes, float`);
}
