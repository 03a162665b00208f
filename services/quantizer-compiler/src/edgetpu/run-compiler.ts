// Runs the compiler that the operator has installed, as a program of its own. It may take minutes, crash, or claim success with
// nothing compiled: what counts is the file that it leaves. It gets a folder of its own and a hard end.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { parseCompilerOutput, parseOperatorTable } from '@atoll/edgetpu/compiler-output';
import type { CompilerModel, CompilerRow } from '@atoll/edgetpu/compiler-output';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import { readModel } from '@atoll/tflite/read';

/** How to run the compiler. */
export interface CompilerRun {
  readonly program: string;
  /** Folder for its temporary folder. */
  readonly workFolder: string;
  /** The oldest runtime that must load the result, 10 to 14; 0 leaves it to the compiler. */
  readonly minRuntimeVersion: number;
  /** The compiler's own timer is 180 s; this one ends it for certain. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What the compiler made. */
export interface CompilerResult {
  readonly compiled: Uint8Array;
  readonly log: string;
  readonly version: string | null;
  readonly said: CompilerModel | null;
  readonly rows: readonly CompilerRow[];
  readonly holds: CompiledEdgeTpu;
}

/** Compiles a full-integer model; FAILED_PRECONDITION carries the compiler's own reason. */
export async function runCompiler(model: Uint8Array, run: CompilerRun): Promise<CompilerResult> {
  const folder = await mkdtemp(join(run.workFolder, 'edgetpu-'));
  try {
    const input = join(folder, 'model.tflite');
    await writeFile(input, model);
    const first = await compileOnce(input, folder, run);
    // Its internal errors come and go: the same model passes the second time.
    const last = first.reason === 'Internal compiler error' ? await compileOnce(input, folder, run) : first;
    if (last.reason !== null) throw refused(run.program, last.reason);
    return await collect(folder, last.text, run.program);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function collect(folder: string, text: string, program: string): Promise<CompilerResult> {
  const { version, models } = parseCompilerOutput(text);
  const compiled = await readFile(join(folder, 'model_edgetpu.tflite'));
  const holds = inspectEdgeTpu(readModel(compiled, 'the compiled model'), 'the compiled model');
  if (holds === null) throw refused(program, 'it reports success, but its file holds nothing for the Edge TPU');
  const log = await readFile(join(folder, 'model_edgetpu.log'), 'utf8');
  const said = models[0] ?? null;
  const fromLog = parseOperatorTable(log);
  return { compiled, log, version, said, rows: fromLog.length > 0 ? fromLog : (said?.rows ?? []), holds };
}

async function compileOnce(
  input: string,
  folder: string,
  run: CompilerRun,
): Promise<{ readonly text: string; readonly reason: string | null }> {
  const runtime = run.minRuntimeVersion === 0 ? [] : ['-m', String(run.minRuntimeVersion)];
  const { text, code } = await spawnGroup(run, ['-s', '-o', folder, ...runtime, input], folder);
  const { failure } = parseCompilerOutput(text);
  return { text, reason: failure ?? (code === 0 ? null : `it ended with exit code ${code}`) };
}

/** Runs the program at the head of a process group, and ends the whole group on timeout or abort: it starts children of its own. */
function spawnGroup(
  run: CompilerRun,
  args: readonly string[],
  folder: string,
): Promise<{ text: string; code: number }> {
  run.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(run.program, args, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let ended: AtollError | null = null;
    const end = (error: AtollError): void => {
      ended ??= error;
      killGroup(child.pid);
    };
    const timer = setTimeout(
      () =>
        end(
          new AtollError(
            'DEADLINE_EXCEEDED',
            `cannot compile: ${run.program} took longer than ${run.timeoutMs / 1000} s`,
          ),
        ),
      run.timeoutMs,
    );
    const abort = (): void => end(new AtollError('CANCELLED', 'the compilation was cancelled'));
    run.signal.addEventListener('abort', abort, { once: true });
    const keep = (chunk: Buffer): void => void (chunks.length < maxChunks && chunks.push(chunk));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', abort);
      finish();
    };
    child.on('error', (error) => settle(() => reject(refused(run.program, reasonOf(error)))));
    child.on('close', (code, signal) =>
      settle(() => {
        killGroup(child.pid);
        if (ended !== null) reject(ended);
        else if (signal !== null) reject(refused(run.program, `it was ended by ${signal}`));
        else resolve({ text: Buffer.concat(chunks).toString('utf8'), code: code ?? 0 });
      }),
    );
  });
}

/** Output beyond this many pieces (64 KiB each at most) is of no use. */
const maxChunks = 256;

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

function refused(program: string, reason: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot compile for the Edge TPU with ${program}: ${reason}`);
}
