// From a request to a task: every default filled in, every word checked, every blob found.
import { readDataset } from '@atoll/artifacts/dataset';
import type { BlobStore } from '@atoll/artifacts/store';
import type { CachePaths } from '@atoll/base/cache';
import { parseSha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { nearestName } from '@atoll/base/nearest';
import { isImageName } from '@atoll/image/images-in';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { CompileTask, QuantizeTask, StartQuantizationRequest } from '@atoll/proto/atoll/v1/quantizer';
import { draw } from '../calibrate/draw.js';
import { findCompiler } from '../edgetpu/find-compiler.js';
import type { CompilerPlace } from '../edgetpu/find-compiler.js';
import { pixelRanges } from '../quantize/params.js';
import { rangeChoices } from '../quantize/plan-quantization.js';
import { borderTypes } from '../quantize/quantize.js';
import type { AskedTask, StoredFile, StoredPhoto } from './messages.js';

/** What the service knows that a request does not say. */
export interface TaskContext {
  readonly store: BlobStore;
  readonly libraries: Pick<CachePaths, 'liteRt' | 'tfLite'>;
  readonly compiler: CompilerPlace;
  readonly compilerTimeoutMs: number;
}

/** Models above this size are refused. */
const maxModelBytes = 512 * 1024 * 1024;
const defaultSamples = 100;
const maxSamples = 10_000;

/** Checks a request and gives the task that is still without a folder. */
export async function assembleTask(request: StartQuantizationRequest, context: TaskContext): Promise<AskedTask> {
  const model = await modelFiles(request.model, context.store);
  switch (request.task?.$case) {
    case 'convert':
      return { kind: 'convert', model };
    case 'quantize':
      return await quantizeTask(request.task.value, model, context);
    case 'compile':
      return await compileTask(request.task.value, model, context);
    case undefined:
      throw new AtollError('INVALID_ARGUMENT', 'cannot start a job: it names no task');
  }
}

async function quantizeTask(
  task: QuantizeTask,
  model: readonly StoredFile[],
  context: TaskContext,
): Promise<AskedTask> {
  const samples = task.samples || defaultSamples;
  if (samples > maxSamples) {
    throw new AtollError('INVALID_ARGUMENT', `cannot calibrate on ${samples} photos: ${maxSamples} are the most`);
  }
  if (task.datasetSha256 === '') {
    throw new AtollError('INVALID_ARGUMENT', 'cannot calibrate: there are no representative photos');
  }
  const all = await photosOf(task.datasetSha256, context.store);
  if (all.length === 0) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot calibrate: there are no representative photos in the data set');
  }
  return {
    kind: 'quantize',
    model,
    photos: draw(all, ({ path }) => path, samples, task.seed || 1n),
    evalPhotos: task.evalDatasetSha256 === '' ? [] : await photosOf(task.evalDatasetSha256, context.store),
    labels: task.labels,
    pixels: word('pixels', task.pixels, pixelRanges),
    ranges: word('ranges', task.ranges, rangeChoices),
    inputType: word('input type', task.inputType, borderTypes),
    outputType: word('output type', task.outputType, borderTypes),
    libraries: { liteRt: context.libraries.liteRt, tfLite: context.libraries.tfLite },
  };
}

async function compileTask(task: CompileTask, model: readonly StoredFile[], context: TaskContext): Promise<AskedTask> {
  const { minRuntimeVersion } = task;
  if (minRuntimeVersion !== 0 && (minRuntimeVersion < 10 || minRuntimeVersion > 14)) {
    throw new AtollError('INVALID_ARGUMENT', `cannot compile for runtime ${minRuntimeVersion}: 10 to 14 are known`);
  }
  const compiler = await findCompiler(context.compiler);
  return { kind: 'compile', model, compiler, minRuntimeVersion, timeoutMs: context.compilerTimeoutMs };
}

/** A word of a closed set; empty means the first. */
function word<const W extends string>(what: string, given: string, words: readonly W[]): W {
  const [first] = words;
  const found = given === '' ? first : words.find((one) => one === given);
  if (found !== undefined) return found;
  const near = nearestName(given, words);
  const hint = near === undefined ? `one of ${words.join(', ')} is needed` : `did you mean ${near}?`;
  throw new AtollError('INVALID_ARGUMENT', `cannot quantize with ${what} ${JSON.stringify(given)}: ${hint}`);
}

async function modelFiles(artifacts: readonly Artifact[], store: BlobStore): Promise<readonly StoredFile[]> {
  if (artifacts.length === 0) throw new AtollError('INVALID_ARGUMENT', 'cannot start a job: it names no model');
  if (artifacts.length > 1000) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot start a job on ${artifacts.length} model files: 1,000 are the most`,
    );
  }
  let total = 0;
  const files: StoredFile[] = [];
  for (const { name, sha256 } of artifacts) {
    const sizeBytes = await store.size(parseSha256(sha256, `digest of ${name}`));
    if (sizeBytes === undefined) {
      throw new AtollError('FAILED_PRECONDITION', `cannot read ${name}: its bytes were not uploaded`);
    }
    total += sizeBytes;
    if (total > maxModelBytes) {
      throw new AtollError('INVALID_ARGUMENT', `cannot read ${name}: the model is larger than ${maxModelBytes} bytes`);
    }
    files.push({ name, file: await store.path(sha256) });
  }
  return files;
}

/** The photos of a data set; with folders, the first part of the path is the class. */
async function photosOf(digest: string, store: BlobStore): Promise<readonly StoredPhoto[]> {
  const { files } = await readDataset(store, digest);
  const photos: StoredPhoto[] = [];
  for (const { path, sha256 } of files) {
    const parts = path.split('/');
    if (!isImageName(parts.at(-1) ?? '')) continue;
    const label = parts.length > 1 ? (parts[0] ?? null) : null;
    photos.push({ path, label, file: await store.path(sha256) });
  }
  return photos;
}
