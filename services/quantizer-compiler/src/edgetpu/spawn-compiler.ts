// One run of a program that starts children of its own and may hang, crash or flood its output: it leads a process group, has a
// hard end, and its whole group is gone when the promise settles.
import { spawn } from 'node:child_process';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';

/** What to run, where, and for how long at most. */
export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How it ended; `text` is standard output and standard error, joined as they came. */
export interface ProgramEnd {
  readonly text: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

/** Runs the program; CANCELLED when `signal` fires, FAILED_PRECONDITION when it cannot be started. */
export function spawnCompiler({ program, args, folder, timeoutMs, signal }: ProgramRun): Promise<ProgramEnd> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let timedOut = false;
    let cancelled = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, timeoutMs);
    const abort = (): void => {
      cancelled = true;
      killGroup(child.pid);
    };
    signal.addEventListener('abort', abort, { once: true });
    const keep = (chunk: Buffer): void => {
      if (sizeBytes < maxTextBytes) chunks.push(chunk.subarray(0, maxTextBytes - sizeBytes));
      sizeBytes += chunk.length;
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      finish();
    };
    child.on('error', (error) =>
      settle(() =>
        reject(
          new AtollError('FAILED_PRECONDITION', `cannot start Edge TPU compiler ${program}: ${reasonOf(error)}`, {
            cause: error,
          }),
        ),
      ),
    );
    child.on('close', (exitCode, ended) =>
      settle(() => {
        killGroup(child.pid);
        if (cancelled) reject(new AtollError('CANCELLED', 'the compilation was cancelled'));
        else resolve({ text: Buffer.concat(chunks).toString('utf8'), exitCode, signal: ended, timedOut });
      }),
    );
  });
}

/** Output beyond this size is of no use. */
const maxTextBytes = 16 * 1024 * 1024;

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
