// Runs the compiler that the operator has installed. It may take minutes, crash, or claim success with nothing compiled: what
// counts is the files that it leaves, opened again here. Several models are compiled together and share the memory of the chip.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf } from '@atoll/base/error';
import { failureOfFile, failureOfRun, tookTooLong } from '@atoll/edgetpu/compiler-failures';
import type { CompilerFailure } from '@atoll/edgetpu/compiler-failures';
import { checkVersion, compilerArguments, outputStems } from '@atoll/edgetpu/compiler-options';
import type { CompilerOptions } from '@atoll/edgetpu/compiler-options';
import { parseCompilerOutput, parseOperatorTable, versionIn } from '@atoll/edgetpu/compiler-output';
import type { CompilerModel, CompilerOutput, CompilerRow } from '@atoll/edgetpu/compiler-output';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { spawnCompiler } from './spawn-compiler.js';

/** How to run the compiler. */
export interface CompilerRun {
  readonly program: string;
  /** Folder for its temporary folder. */
  readonly workFolder: string;
  readonly options: CompilerOptions;
  /** The hard end of one run; longer than the compiler's own timer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A model to compile; `stem` is its name without folder and ending. */
export interface ModelFile {
  readonly stem: string;
  readonly bytes: Uint8Array;
}

/** One compiled file and what the compiler says of it; a log that it did not write is empty. */
export interface CompiledFile {
  readonly stem: string;
  readonly bytes: Uint8Array;
  readonly log: string;
  readonly said: CompilerModel | null;
  readonly rows: readonly CompilerRow[];
  readonly model: TfLiteModel;
  readonly holds: CompiledEdgeTpu;
}

/** What the compiler made: for each model its file, or its segments in order. */
export interface CompilerResult {
  readonly version: string | null;
  readonly compiled: readonly (readonly CompiledFile[])[];
}

/** Compiles full-integer models; FAILED_PRECONDITION carries cause and remedy, DEADLINE_EXCEEDED that it took too long. */
export async function runCompiler(models: readonly ModelFile[], run: CompilerRun): Promise<CompilerResult> {
  const folder = await mkdtemp(join(run.workFolder, 'edgetpu-'));
  try {
    const installed = await installedVersion(run, folder);
    checkVersion(installed, run.options);
    const out = join(folder, 'out');
    await mkdir(out);
    const inputs = await writeInputs(models, folder);
    const first = await compileOnce(inputs, out, run);
    // Its internal errors come and go: the same model passes the second time.
    const last = first.failure?.id === 'internal-error' ? await compileOnce(inputs, out, run) : first;
    if (last.failure !== null) throw refused(models, last.failure, last.text);
    const compiled: (readonly CompiledFile[])[] = [];
    for (const [index, model] of models.entries()) {
      compiled.push(await collect(model, inputs[index] ?? '', out, last.said, run.options));
    }
    return { version: installed ?? last.said.version, compiled };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asking for the version takes a moment; a program that does not answer is no compiler, and is left to fail with the model. */
const versionTimeoutMs = 15_000;

async function installedVersion(run: CompilerRun, folder: string): Promise<string | null> {
  const timeoutMs = Math.min(versionTimeoutMs, run.timeoutMs);
  const { text } = await spawnCompiler({ ...run, args: ['-v'], folder, timeoutMs });
  return versionIn(text);
}

/** The compiler derives the names of its files from those of its inputs: plain ones, whatever the models are called. */
async function writeInputs(models: readonly ModelFile[], folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const [index, { stem, bytes }] of models.entries()) {
    const path = join(folder, `${/^\w[\w.-]{0,99}$/.test(stem) ? stem : `model-${index}`}.tflite`);
    await writeFile(path, bytes, { flag: 'wx' });
    paths.push(path);
  }
  return paths;
}

interface Once {
  readonly text: string;
  readonly said: CompilerOutput;
  readonly failure: CompilerFailure | null;
}

async function compileOnce(inputs: readonly string[], out: string, run: CompilerRun): Promise<Once> {
  const args = compilerArguments(run.options, out, inputs);
  const end = await spawnCompiler({ ...run, args, folder: out });
  const said = parseCompilerOutput(end.text);
  return { text: end.text, said, failure: end.timedOut ? tookTooLong(run.timeoutMs) : failureOfRun({ ...end, said }) };
}

async function collect(
  model: ModelFile,
  input: string,
  out: string,
  said: CompilerOutput,
  options: CompilerOptions,
): Promise<readonly CompiledFile[]> {
  const inputStem = input.slice(input.lastIndexOf('/') + 1).replace(/\.tflite$/, '');
  const names = outputStems(model.stem, options);
  const files: CompiledFile[] = [];
  for (const [index, stem] of outputStems(inputStem, options).entries()) {
    const name = names[index] ?? stem;
    const bytes = await readOrNull(join(out, `${stem}.tflite`));
    const opened = bytes === null ? null : open(bytes, `${name}.tflite`);
    const runtime = opened?.holds.minRuntimeVersion ?? null;
    const failure = failureOfFile(`${name}.tflite`, bytes?.length ?? null, runtime, options.minRuntimeVersion);
    if (failure !== null) throw refused([model], failure, '');
    if (bytes === null || opened === null) throw new RangeError(`${name} was judged without being read`);
    const log = new TextDecoder().decode((await readOrNull(join(out, `${stem}.log`))) ?? new Uint8Array());
    const block = said.models.find(({ outputModel }) => outputModel.endsWith(`${stem}.tflite`)) ?? null;
    const logged = parseOperatorTable(log);
    const rows = logged.length > 0 ? logged : (block?.rows ?? []);
    files.push({ stem: name, bytes, log, said: block, rows, ...opened });
  }
  return files;
}

/** A compiled file, or null when it is none: a stub, a cut file, the model as it was. */
function open(
  bytes: Uint8Array,
  name: string,
): { readonly model: TfLiteModel; readonly holds: CompiledEdgeTpu } | null {
  try {
    const model = readModel(bytes, name);
    const holds = inspectEdgeTpu(model, name);
    return holds === null ? null : { model, holds };
  } catch (error) {
    if (error instanceof AtollError) return null;
    throw error;
  }
}

/** Larger files are none that a model of the allowed size can compile to. */
const maxOutputBytes = 2 ** 30;

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    const { size } = await stat(path);
    return size > maxOutputBytes ? null : await readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The end of the compiler's output goes with the error, for the log. */
const keptTextChars = 2_000;

function refused(models: readonly ModelFile[], { id, cause, remedy }: CompilerFailure, text: string): AtollError {
  const names = models.map(({ stem }) => `${stem}.tflite`).join(', ');
  return new AtollError(
    id === 'too-long' ? 'DEADLINE_EXCEEDED' : 'FAILED_PRECONDITION',
    `cannot compile ${names} for the Edge TPU: ${cause}; ${remedy}`,
    { detail: { compilerFailure: id, cause, remedy, output: text.slice(-keptTextChars) } },
  );
}
