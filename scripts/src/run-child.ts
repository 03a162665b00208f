import { spawn } from 'node:child_process';
import type { Env } from '@atoll/base/env';
import { AtollError, reasonOf } from '@atoll/base/error';

/** How a child runs that speaks to the person itself. */
export interface ChildOptions {
  readonly cwd: string;
  readonly env: Env;
  /** Cancelling sends SIGTERM once; the child then ends by itself. */
  readonly signal: AbortSignal;
  /** A channel that closes with this process, for a child that wants to know (its 'disconnect' event). */
  readonly channel?: boolean;
}

/** Runs a command on this process's own terminal and gives its exit code (130 when it was cancelled). */
export async function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<number> {
  options.signal.throwIfAborted();
  const channel = options.channel === true ? (['ipc'] as const) : [];
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['inherit', 'inherit', 'inherit', ...channel],
  });
  const onAbort = (): void => void child.kill(options.signal.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  options.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    if (options.signal.aborted) return code === null || code === 0 ? 130 : code;
    return code ?? 1;
  } catch (error) {
    throw new AtollError('UNAVAILABLE', `cannot run ${command}: ${reasonOf(error)}`, { cause: error });
  } finally {
    options.signal.removeEventListener('abort', onAbort);
  }
}
