import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@atoll/base/clock';
import { writeFileAtomic } from '@atoll/base/files';
import { decodeImage } from '@atoll/image/decode';
import { openModel } from '@atoll/runtime/open';
import { floatModel, quantizeModel } from '../compile.js';
import { compileForEdgeTpu } from '../edgetpu/compile-for-edge-tpu.js';
import type { ModelFiles } from '../import/layers-model.js';
import type { Photo } from '../photo.js';
import { costliest } from '../report/costliest.js';
import type { QuantizeDetails } from '../report/details.js';
import type { CompilePorts } from '../stages.js';
import type { CompileJob, CompilerEvent, CompilerOutput, CompilerTask, QuantizeJob, StoredPhoto } from './messages.js';
import { pageOf } from './page-of.js';

/** Photos in a job's labels file; it lies beside the model as the trainer leaves it. */
const labelsFile = 'labels.txt';

/** Does a task in its own folder and gives the names of the files that it left in `out/`. */
export async function runTask(
  task: CompilerTask,
  clock: Clock,
  emit: (event: CompilerEvent) => void,
  signal: AbortSignal,
): Promise<CompilerOutput> {
  const out = join(task.workFolder, 'out');
  await mkdir(out, { recursive: true });
  const files = await readFiles(task);
  const ports = portsOf(task, clock, emit, signal);
  const made = await make(task, files, ports);
  for (const [name, bytes] of made.files) await writeFileAtomic(join(out, name), bytes);
  return { files: [...made.files.keys()], lasting: made.lasting };
}

interface Made {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** False for a result that another try may better. */
  readonly lasting: boolean;
}

function make(task: CompilerTask, files: Map<string, Uint8Array>, ports: CompilePorts): Promise<Made> {
  switch (task.kind) {
    case 'convert':
      return convert(files, ports);
    case 'quantize':
      return quantize(task, files, ports);
    case 'compile':
      return compile(task, files, ports);
  }
}

async function convert(files: Map<string, Uint8Array>, ports: CompilePorts): Promise<Made> {
  const float = await floatModel(files, lettingGo(files, ports));
  ports.onStage('write');
  return { files: new Map([['model.tflite', float]]), lasting: true };
}

async function quantize(task: QuantizeJob, files: Map<string, Uint8Array>, ports: CompilePorts): Promise<Made> {
  const { int8, float, report, details } = await quantizeModel(
    {
      ...task,
      files,
      photos: task.photos.map(photoOf),
      heldOut: task.heldOut.map(photoOf),
      evalPhotos: task.evalPhotos.map(photoOf),
      labels: task.labels.length > 0 ? task.labels : labelsIn(files),
    },
    lettingGo(files, ports),
  );
  const made = new Map([
    ['model.tflite', int8],
    ['float.tflite', float],
    ['report.json', json({ ...report, ...costliestOf(details), lineage: task.lineage })],
  ]);
  if (task.page) made.set('report.html', new TextEncoder().encode(await pageOf(task, report, details)));
  return { files: made, lasting: true };
}

function costliestOf({ tensors }: QuantizeDetails) {
  const found = costliest(tensors);
  return found === undefined ? {} : { costliest: { name: found.name, sqnrDb: found.sqnrDb } };
}

async function compile(task: CompileJob, files: ModelFiles, ports: CompilePorts): Promise<Made> {
  ports.onStage('edgetpu');
  const { compiler: program, options, timeoutMs, workFolder } = task;
  const run = program === null ? null : { program, workFolder, timeoutMs, signal: ports.signal };
  const result = await compileForEdgeTpu(files, options, run);
  for (const warning of result.report.warnings) ports.onWarning(warning);
  return {
    files: new Map([['plan.json', json(result.report)], ...result.files]),
    // A plan in the place of what the compiler did not give may become a compiled file another time.
    lasting: result.report.compiled || program === null,
  };
}

/** Ports that let go of a large model's bytes once it is imported: nothing reads them again. */
function lettingGo(files: Map<string, Uint8Array>, ports: CompilePorts): CompilePorts {
  return {
    ...ports,
    onStage: (stage, done, total) => {
      if (stage === 'passes') files.clear();
      ports.onStage(stage, done, total);
    },
  };
}

async function readFiles(task: CompilerTask): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { name, file } of task.model) files.set(name, await readFile(file));
  return files;
}

function labelsIn(files: ModelFiles): readonly string[] {
  const bytes = files.get(labelsFile);
  return bytes === undefined ? [] : new TextDecoder().decode(bytes).trimEnd().split(/\r?\n/);
}

function photoOf({ path, label, file }: StoredPhoto): Photo {
  return {
    path,
    label,
    pixels: async (size, signal) => decodeImage(await readFile(file), size, signal),
  };
}

function portsOf(
  task: CompilerTask,
  clock: Clock,
  emit: (event: CompilerEvent) => void,
  signal: AbortSignal,
): CompilePorts {
  return {
    signal,
    nowMs: () => clock.monotonicMs(),
    openModel: (bytes) => {
      if (task.kind !== 'quantize') throw new RangeError(`a ${task.kind} runs no model`);
      return openModel(bytes, { backend: 'auto', libraries: task.libraries });
    },
    onStage: (stage, done = 0, total = 0) => {
      const isStep = done === 0 || done === total || percent(done, total) !== percent(done - 1, total);
      if (isStep) emit({ kind: 'stage', stage, done, total });
    },
    onWarning: (message) => emit({ kind: 'warning', message }),
  };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** A job's log keeps a hundred steps a stage, however many photos there are. */
function percent(done: number, total: number): number {
  return total === 0 ? 0 : Math.floor((100 * done) / total);
}
