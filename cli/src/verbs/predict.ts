import { type Command, Option } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { imagesIn } from '@atoll/image/images-in';
import type { BackendChoice } from '@atoll/runtime/open';
import { openClassifier } from '../classifier.js';
import type { Context } from '../context.js';
import { readLabelsFile, readLabelsFor } from '../labels.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, readModelFile, sendModel } from '../model-files.js';
import { fetchArtifact } from '../output-files.js';
import { integer } from '../parse-option.js';
import { runQuantization } from '../run-quantization.js';
import { predictionLine } from '../scores.js';
import { action, addVerb } from '../verb.js';

interface PredictOptions {
  readonly labels?: string;
  readonly top: number;
  readonly backend: BackendChoice;
}

/** `atoll predict`. */
export function addPredict(program: Command, machine: Machine): void {
  addVerb(
    program,
    'predict <model> <paths...>',
    'say what is on photos, by a model on this machine',
    'atoll predict runs/first/model.h5 photos/test',
  )
    .option('--labels <file>', "class names, one a line (default: the model's own, or labels.txt beside it)")
    .option('--top <n>', 'how many classes to tell with --json', integer(1, 1_000), 3)
    .addOption(
      new Option('--backend <name>', 'what runs the model')
        .choices(['auto', 'native', 'wasm', 'edgetpu'])
        .default('auto'),
    )
    .action(action<PredictOptions>(machine, predict));
}

async function predict(
  context: Context,
  options: PredictOptions,
  [given = '', ...paths]: readonly string[],
): Promise<void> {
  const { signal, progress } = context;
  const file = await findModel(given);
  const images = await imagesIn(paths);
  if (images.length === 0)
    throw new AtollError('INVALID_ARGUMENT', `cannot predict ${paths.join(', ')}: there is no photo`);
  const tflite = extname(file).toLowerCase() === '.tflite' ? await readModelFile(file) : await converted(context, file);
  const named = options.labels === undefined ? undefined : await readLabelsFile(options.labels);
  const classifier = await openClassifier(tflite, {
    env: context.env,
    backend: options.backend,
    labels: named,
    name: file,
  });
  try {
    const labels = classifier.labels.length > 0 ? classifier.labels : await readLabelsFor(file, undefined);
    const results: object[] = [];
    for (const [index, { path }] of images.entries()) {
      signal.throwIfAborted();
      const startedMs = performance.now();
      const predictions = (await classifier.classify(path, options.top, signal)).map((prediction) => ({
        ...prediction,
        label: labels[prediction.index] ?? prediction.label,
      }));
      const latencyMs = performance.now() - startedMs;
      results.push({ file: path, predictions, backend: classifier.backend, model: given, latencyMs });
      if (context.json) progress.step({ label: 'predicting', done: index + 1, total: images.length, unit: 'photos' });
      else context.result(undefined, predictionLine(basename(path), predictions[0]));
    }
    if (context.json) context.result(results, '');
  } finally {
    await classifier.close();
  }
}

/** The float .tflite of a Keras or layers-model, by the quantizer-compiler. */
async function converted(context: Context, file: string): Promise<Buffer> {
  const { progress, signal } = context;
  const folder = await mkdtemp(join(tmpdir(), 'atoll-'));
  try {
    const path = join(folder, 'model.tflite');
    await withService(context, localQuantizer(context), async (channel) => {
      const model = await sendModel(channel, file, signal);
      const job = await runQuantization(
        channel,
        { model, task: { $case: 'convert', value: {} }, fresh: false },
        progress,
        signal,
      );
      await fetchArtifact(channel, job.artifacts, 'model.tflite', path, signal);
    });
    return await readModelFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
