/** A .tflite image classifier in this process: from a photo's path to the best classes. */
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { decodeImage } from '@atoll/image/decode';
import { defaultPreprocessing, imageTarget, type Preprocessing, toTensorBytes } from '@atoll/image/preprocessing';
import type { TensorSpec } from '@atoll/runtime/model';
import { type BackendChoice, openModel } from '@atoll/runtime/open';
import { readLabels, readMetadata } from '@atoll/tflite/metadata';
import { readModel } from '@atoll/tflite/read';
import { type Prediction, realValues, topClasses } from './scores.js';

/** A model that is ready to judge photos; close() frees it. */
export interface Classifier {
  readonly backend: string;
  readonly input: TensorSpec;
  readonly output: TensorSpec;
  readonly preprocessing: Preprocessing;
  readonly labels: readonly string[];
  /** The input tensor's bytes of a photo. */
  read(path: string, signal: AbortSignal): Promise<Uint8Array>;
  /** The output tensor's bytes. */
  run(input: Uint8Array): Promise<Uint8Array>;
  /** The best classes of a photo. */
  classify(path: string, top: number, signal: AbortSignal): Promise<readonly Prediction[]>;
  close(): Promise<void>;
}

/** How to open one. */
export interface ClassifierOptions {
  readonly env: Env;
  readonly backend: BackendChoice;
  /** Class names; undefined = those of the file. */
  readonly labels: readonly string[] | undefined;
  /** What the file is called in messages. */
  readonly name: string;
}

/** Opens a .tflite with one photo as its input; FAILED_PRECONDITION when it has another shape. */
export async function openClassifier(bytes: Uint8Array, options: ClassifierOptions): Promise<Classifier> {
  const { liteRt, tfLite } = cachePaths(options.env);
  const described = readModel(bytes, options.name);
  const labels = options.labels ?? readLabels(bytes, described, options.name) ?? [];
  const normalization = normalizationOf(readMetadata(described, options.name));
  const model = await openModel(bytes, { backend: options.backend, libraries: { liteRt, tfLite } });
  try {
    const [input] = model.inputs;
    const [output] = model.outputs;
    if (input === undefined || output === undefined || model.inputs.length !== 1)
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot feed a photo to ${options.name}: it has ${model.inputs.length} inputs`,
      );
    const preprocessing = { ...defaultPreprocessing(input), ...normalization };
    const read = async (path: string, signal: AbortSignal): Promise<Uint8Array> =>
      toTensorBytes(await decodeImage(path, imageTarget(preprocessing), signal), preprocessing, input);
    const run = async (tensor: Uint8Array): Promise<Uint8Array> => (await model.run([tensor]))[0] ?? new Uint8Array();
    return {
      backend: model.backend,
      input,
      output,
      preprocessing,
      labels,
      read,
      run,
      classify: async (path, top, signal) =>
        topClasses(realValues(await run(await read(path, signal)), output), labels, top),
      close: () => model.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Mean and std, in steps of pixels, that the file's metadata declares. */
function normalizationOf(metadata: ReturnType<typeof readMetadata>): Pick<Preprocessing, 'mean' | 'std'> | undefined {
  for (const { options } of metadata?.subgraphs[0]?.inputs[0]?.processUnits ?? []) {
    if (options?.type === 'NormalizationOptions' && options.mean.length > 0 && options.std.length > 0)
      return { mean: options.mean, std: options.std };
  }
  return undefined;
}
