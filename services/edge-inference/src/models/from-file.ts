import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, isAtollError, reasonOf } from '@atoll/base/error';
import { type Preprocessing, squashed } from '@atoll/image/preprocessing';
import { isEdgeTpuModel } from '@atoll/runtime/edgetpu-file';
import { maxModelBytes } from '@atoll/runtime/open';
import { readLabels, readMetadata } from '@atoll/tflite/metadata';
import type { TfLiteModel } from '@atoll/tflite/model';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import type { ModelPackage } from './model-package.js';

/** A model that a person names by its file. */
export interface ModelFile {
  readonly name: string;
  readonly path: string;
  /** Class names, one a line; undefined = the file's own, or labels.txt beside it. */
  readonly labelsPath?: string;
}

/**
 * The package that a lone .tflite file makes: version 1, labels from its TFLite Metadata or from labels.txt beside it,
 * preprocessing from the metadata. NOT_FOUND or INVALID_ARGUMENT with one line.
 */
export async function packageFromFile({ name, path, labelsPath }: ModelFile): Promise<ModelPackage> {
  if (!/^[a-z0-9-]{1,63}$/.test(name)) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot serve model ${JSON.stringify(name)}: a name is 1 to 63 of a-z, 0-9 and -`,
    );
  }
  const bytes = await readModelFile(path);
  const described = describeModelFile(bytes, path);
  return {
    model: name,
    version: 1n,
    manifestSha256: '',
    files: [
      {
        target: isEdgeTpuModel(bytes) ? 'edgetpu' : 'cpu',
        path: resolve(path),
        sha256: sha256(bytes),
        sizeBytes: bytes.byteLength,
        minRuntimeVersion: 0,
      },
    ],
    inputs: [],
    outputs: [],
    preprocessing: described.preprocessing,
    labels:
      labelsPath === undefined
        ? (described.labels ?? (await labelsBeside(path, described.model)))
        : await readLabelsFile(labelsPath),
    golden: [],
  };
}

/** What a .tflite file says of itself beyond its graph; INVALID_ARGUMENT names `path` when it is none. */
export function describeModelFile(
  bytes: Uint8Array,
  path: string,
): {
  readonly model: TfLiteModel;
  /** Null when it names none. */
  readonly labels: readonly string[] | null;
  readonly preprocessing: Preprocessing | undefined;
} {
  const model = readModel(bytes, path);
  return { model, labels: readLabels(bytes, model, path), preprocessing: preprocessingOf(model, path) };
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > maxModelBytes)
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot read ${path}: its ${size} bytes exceed the limit of ${maxModelBytes}`,
      );
    return await readFile(path);
  } catch (error) {
    if (error instanceof AtollError) throw error;
    const code = errnoOf(error) === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_ARGUMENT';
    throw new AtollError(code, `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The normalization of the metadata is in pixel steps, as here; without one, undefined. */
function preprocessingOf(model: TfLiteModel, path: string): Preprocessing | undefined {
  const [tensor] = readMetadata(model, path)?.subgraphs[0]?.inputs ?? [];
  const [input] = mainSubgraph(model).inputs;
  const [, height, width, channels] = mainSubgraph(model).tensors[input ?? -1]?.shape ?? [];
  if (width === undefined || height === undefined || channels !== 3) return undefined;
  for (const unit of tensor?.processUnits ?? []) {
    if (unit.options?.type !== 'NormalizationOptions') continue;
    const { mean, std } = unit.options;
    if (mean.length === 0 || std.length === 0 || !std.every((value) => value > 0)) continue;
    return squashed(width, height, mean, std);
  }
  return undefined;
}

/** The lines of labels.txt in the model's folder, when there are as many as classes. */
async function labelsBeside(path: string, model: TfLiteModel): Promise<readonly string[]> {
  const { outputs, tensors } = mainSubgraph(model);
  const classes = tensors[outputs[0] ?? -1]?.shape.reduce((product, size) => product * size, 1);
  try {
    const labels = await readLabelsFile(join(dirname(path), 'labels.txt'));
    return labels.length === classes ? labels : [];
  } catch (error) {
    if (isAtollError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

async function readLabelsFile(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).trimEnd().split(/\r?\n/);
  } catch (error) {
    const code = errnoOf(error) === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_ARGUMENT';
    throw new AtollError(code, `cannot read the labels ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
