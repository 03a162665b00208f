// From a request to a task: every default filled in, every word checked, every blob found.
import { existsSync } from 'node:fs';
import { readDataset } from '@atoll/artifacts/dataset';
import type { BlobStore } from '@atoll/artifacts/store';
import type { CachePaths } from '@atoll/base/cache';
import { parseSha256, type Sha256, sha256File } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { checkOptions } from '@atoll/edgetpu/compiler-options';
import { isImageName } from '@atoll/image/images-in';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { CompileTask, QuantizeTask, StartQuantizationRequest } from '@atoll/proto/atoll/v1/quantizer';
import type { Lineage } from '../cache/lineage.js';
import { draw } from '../calibrate/draw.js';
import { findCompiler } from '../edgetpu/find-compiler.js';
import type { CompilerPlace } from '../edgetpu/find-compiler.js';
import type { AskedTask, StoredFile, StoredPhoto } from './messages.js';
import { quantizeOptions } from './quantize-options.js';

/** What the service knows that a request does not say. */
export interface TaskContext {
  readonly store: BlobStore;
  readonly libraries: Pick<CachePaths, 'liteRt' | 'tfLite'>;
  readonly compiler: CompilerPlace;
  readonly compilerTimeoutMs: number;
  /** Stands for this very code in the lineage of results. */
  readonly codeDigest: Sha256;
}

/** Models above this size are refused. */
const maxModelBytes = 512 * 1024 * 1024;

/** Photos beyond those that are calibrated on, to choose ranges by. */
const heldOutPhotos = 100;

/** Checks a request and gives the task that is still without a folder. */
export async function assembleTask(request: StartQuantizationRequest, context: TaskContext): Promise<AskedTask> {
  const model = await modelFiles(request.model, context.store);
  const lineage: Lineage = {
    model: request.model.map(({ name, sha256 }) => ({ name, sha256 })),
    dataset: null,
    evalDataset: null,
    samples: 0,
    seed: '',
    runtime: null,
    edgeTpuCompiler: null,
    code: context.codeDigest,
  };
  switch (request.task?.$case) {
    case 'convert':
      return { kind: 'convert', model, lineage };
    case 'quantize':
      return await quantizeTask(request.task.value, model, lineage, context);
    case 'compile':
      return await compileTask(request.task.value, model, lineage, context);
    case undefined:
      throw new AtollError('INVALID_ARGUMENT', 'cannot start a job: it names no task');
  }
}

async function quantizeTask(
  task: QuantizeTask,
  model: readonly StoredFile[],
  base: Lineage,
  context: TaskContext,
): Promise<AskedTask> {
  const { samples, ...options } = quantizeOptions(task);
  const seed = task.seed || 1n;
  const all = samples === 0 ? [] : await photosOf(task.datasetSha256, context.store);
  if (samples > 0 && all.length === 0) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot calibrate: there are no representative photos in the data set');
  }
  const evalPhotos = task.evalDatasetSha256 === '' ? [] : await photosOf(task.evalDatasetSha256, context.store);
  const drawn = draw(all, ({ path }) => path, samples + (options.ranges === 'auto' ? heldOutPhotos : 0), seed);
  const { liteRt, tfLite } = context.libraries;
  return {
    kind: 'quantize',
    model,
    ...options,
    photos: drawn.slice(0, samples),
    heldOut: drawn.slice(samples),
    evalPhotos,
    labels: task.labels,
    page: task.page,
    libraries: { liteRt, tfLite },
    lineage: {
      ...base,
      dataset: samples === 0 ? null : task.datasetSha256,
      evalDataset: task.evalDatasetSha256 || null,
      samples,
      seed: samples === 0 ? '' : String(seed),
      runtime: existsSync(liteRt) ? 'LiteRT' : existsSync(tfLite) ? 'TFLite' : 'WebAssembly',
    },
  };
}

async function compileTask(
  task: CompileTask,
  model: readonly StoredFile[],
  base: Lineage,
  context: TaskContext,
): Promise<AskedTask> {
  checkOptions(task);
  const timeoutMs = context.compilerTimeoutMs;
  if (task.timeoutSeconds * 1000 >= timeoutMs) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot compile with a time of ${task.timeoutSeconds} s: this service ends the compiler after ${timeoutMs / 1000} s`,
    );
  }
  const compiler = await findCompiler(context.compiler);
  const edgeTpuCompiler = compiler === null ? null : { path: compiler, sha256: await sha256File(compiler) };
  const lineage = { ...base, edgeTpuCompiler };
  return { kind: 'compile', model, compiler, options: task, timeoutMs, lineage };
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
